/** Why something is as it is: a stable code to match on (`image_not_found`) and a sentence for people. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}
