/** What a client is told by a code, and what it can do. `docs/errors.md` is made from this; a spec finds codes that lack. */
export interface ErrorEntry {
  /** HTTP status. */
  readonly status: number;
  readonly cause: string;
  readonly wayOut: string;
}

const invalid = (cause: string, wayOut: string): ErrorEntry => ({ status: 422, cause, wayOut });
const notFound = (cause: string, wayOut: string): ErrorEntry => ({ status: 404, cause, wayOut });
const conflict = (cause: string, wayOut: string): ErrorEntry => ({ status: 409, cause, wayOut });
const forbidden = (cause: string, wayOut: string): ErrorEntry => ({ status: 403, cause, wayOut });
const passing = (cause: string, wayOut = 'Try again, with growing pauses.'): ErrorEntry => ({ status: 503, cause, wayOut });

/** The request itself, before anything is looked at. */
const request: Record<string, ErrorEntry> = {
  'request.malformed': { status: 400, cause: 'The body is no JSON.', wayOut: 'Send one JSON object.' },
  'request.media_type': { status: 415, cause: 'The body is of another type than JSON.', wayOut: 'Send content-type: application/json.' },
  'request.too_large': { status: 413, cause: 'The body is larger than 1 MiB.', wayOut: 'Send less at once.' },
  'request.refused': { status: 400, cause: 'The HTTP server refused the request before its route was reached.', wayOut: 'Correct what the detail names.' },
  'request.unauthenticated': { status: 401, cause: 'The token is missing or unknown, has expired or was revoked; or a password is wrong.', wayOut: 'Send Authorization: Bearer <token>; the operator’s stands in operator.token under WAYBILL_HOME.' },
  'request.invalid': invalid('Fields are missing, unknown or wrong; errors[] lists every one with its pointer.', 'Correct the fields that errors[] points at.'),
  'request.if_match_invalid': invalid('If-Match is no revision.', 'Send the ETag of an earlier answer as it was given, like "41".'),
  'request.position_unknown': invalid('The log ends before the min_position.', 'Send a Waybill-Position that a change of this installation answered, or leave it out.'),
  'request.position_invalid': invalid('Last-Event-ID or after is no position.', 'Send the id of an event of such a stream, or leave it out to begin at the start.'),
  'route.not_found': notFound('No such path or method.', 'Look at /openapi.json.'),
  'request.too_deep': invalid('The body is nested more than 32 levels deep.', 'Send it flatter.'),
  'request.rate_limited': { status: 429, cause: 'A token, a user or an address sends more requests than it may, by what they cost, or has too many under way.', wayOut: 'Wait as long as Retry-After says; ask an operator about WAYBILL_REQUESTS_PER_TOKEN and WAYBILL_REQUESTS_PER_ADDRESS.' },
  'role.operator_needed': forbidden('Only operators of the platform may do this.', 'Ask an operator.'),
  'cursor.invalid': invalid('The cursor is none that this list gave.', 'Send next_cursor of an earlier page of the same list, as it was given.'),
  'audit.resource_not_found': notFound('Nothing of this id was within your reach at either instant.', 'Look for its id in GET /v1/audit.'),
  'logs.cursor_invalid': invalid('The id is none that a stream of this output gave.', 'Send the id of a line as it was given, or leave it out to begin with the latest lines.'),
  'logs.unreachable': passing('No node that keeps the lines answers.', 'Bring a node back, or try again; GET /v1/nodes says which are heard.'),
  'idempotency.key_invalid': invalid('The Idempotency-Key is empty, too long or sent twice.', 'Send one of 1 to 255 visible ASCII characters.'),
  'idempotency.key_reused': invalid('The Idempotency-Key was used with another body.', 'Choose a new key for a new request.'),
  'request.precondition_failed': { status: 412, cause: 'The thing was changed since the revision in If-Match, or is yet to be made.', wayOut: 'Read it again, decide again, send the new ETag; what makes a new thing takes none.' },
};

/** People, tokens, sessions. */
const access: Record<string, ErrorEntry> = {
  'role.too_low': forbidden('The project is within your reach, and your role there is too low; facts.needed says which it takes.', 'Ask an owner of the project.'),
  'token.scope': forbidden('The token is held to a service, an environment or to deploying; facts.scope says to what.', 'Use another token.'),
  'token.outlives_issuer': forbidden('A token would make one that lives longer than itself.', 'Ask for a shorter life, or issue it as a person.'),
  'token.role_unknown': invalid('There is no such role.', 'Say viewer, developer or owner.'),
  'token.life_out_of_range': invalid('A token lives from a second to 366 days.', 'Choose a value within.'),
  'token.scope_invalid': invalid('The scope names nothing, or doesn’t go with the role.', 'Correct what the detail says.'),
  'token.too_many': conflict('The project has as many tokens as it may.', 'Revoke one first.'),
  'member.role_unknown': invalid('There is no such role.', 'Say viewer, developer or owner.'),
  'member.last_owner': conflict('The project would be left without an owner.', 'Make somebody else an owner first.'),
  'member.too_many': conflict('The project has as many members as it may.', 'Remove one first.'),
  'user.exists': conflict('Another request created them.', 'Read them.'),
  'user.not_found': notFound('There is no such user.', 'An operator creates them; GET /v1/users lists them.'),
  'user.login_taken': conflict('Somebody else has this login.', 'Choose another one.'),
  'user.password_wrong': forbidden('The present password is another one.', 'Say it again, or ask an operator for a new one.'),
  'session.too_many_failures': { status: 429, cause: 'An account or an address was tried with wrong passwords too often.', wayOut: 'Wait as long as Retry-After says.' },
  'origin.not_found': notFound('No address is known under this id.', 'Nothing to do: it was forgotten.'),
  'identity_store.unavailable': passing('The store of names, logins and hashes can’t be used.', 'Try again; GET /readyz says when it is back.'),
};

/** Projects, environments, names, plans, networks. */
const surroundings: Record<string, ErrorEntry> = {
  'project.not_found': notFound('There is no such project within your reach.', 'GET /v1/projects lists those that are.'),
  'project.exists': conflict('Another request created it.', 'Read it.'),
  'project.deleted': conflict('It was deleted.', 'Create another one.'),
  'project.in_use': conflict('Something is in it still: services, volumes, resources, secrets, configs, or jobs that aren’t over.', 'Delete what is in it first; facts.used_by names it.'),
  'environment.not_found': notFound('The project has no such environment.', 'Create it first, or leave environment_id to GET /v1/environments.'),
  'environment.name_taken': conflict('The project has an environment of this name.', 'Choose another name.'),
  'environment.in_use': conflict('Services, volumes, resources, secrets or configs are still in it.', 'Delete them first; facts.used_by names them.'),
  'environment.other_project': invalid('The field project_id names another project than the environment belongs to.', 'Leave project_id out.'),
  'name.invalid': invalid('The name breaks the rule for names.', 'Use lower-case letters, digits and dashes, as the detail says.'),
  'name.taken': conflict('Another one of this kind has the name.', 'Choose another name, or delete its holder first (facts.holder).'),
  'name.wrong_scope': invalid('A name was claimed in the wrong place.', 'Report it: no request of yours leads here.'),
  'reservation.voided': conflict('The request came so late that the name or the room that was reserved for it was given up, or an earlier try of it was refused.', 'Send it again as a new one, with a new Idempotency-Key.'),
  'reservation.in_use': conflict('A name or room was to be freed whose holder exists.', 'Delete the holder to free it.'),
  'quota.exceeded': conflict('The change needs more than the project’s or the service’s quota has left; the facts say whose, used, asked and limit.', 'Ask for less, give something back, or have the quota raised.'),
  'quota.above_project': invalid('A service’s quota is above its project’s.', 'Choose at most the limit that the facts name.'),
  'plan.not_found': notFound('There is no such plan.', 'GET /v1/plans lists them; an operator defines new ones.'),
  'plan.unknown': invalid('The field plan names a plan that does not exist.', 'GET /v1/plans lists them; or say resources instead.'),
  'plan.exists': conflict('A plan of this name exists.', 'Change it with PUT, or choose another name.'),
  'plan.invalid': invalid('The plan’s resources are out of range.', 'Correct what errors[] points at.'),
  'resource.not_found': notFound('There is no such resource within your reach.', 'GET /v1/resources lists those that are; POST /v1/resources makes one.'),
  'resource.exists': conflict('Another request created it.', 'Read it.'),
  'resource.deleted': conflict('It was deleted.', 'Create another one.'),
  'resource.in_use': conflict('Services, jobs or schedules depend on the resource.', 'Take it out there, or delete them first; facts.used_by names them.'),
  'resource.invalid': invalid('Fields of the resource are out of range or contradict each other.', 'Correct what errors[] points at.'),
  'dependency.other_environment': invalid('What is used belongs to another environment, and so to another network.', 'Use one of the same environment; a resource with a host leads anywhere.'),
  'dependency.no_port': invalid('Nobody knows at which port the service behind the dependency listens.', 'Say port in the resource, or give the service a port.'),
  'dependency.wait_cycle': invalid('Services would wait for each other to be healthy, and none would ever start.', 'Leave wait out at one of those that the detail names.'),
  'volume.not_found': notFound('There is no such volume in the environment, or within your reach.', 'GET /v1/volumes lists them; POST /v1/volumes makes one.'),
  'volume.exists': conflict('Another request created it.', 'Read it.'),
  'volume.in_use': conflict('Services or jobs mount the volume.', 'Delete those, or take the volume out of them; facts.used_by names them.'),
  'volume.deleted': conflict('The volume is being deleted, or was.', 'Make another one.'),
  'volume.ephemeral': conflict('The volume goes with the service that it was made for.', 'Make a persistent one to share.'),
  'volume.differs': invalid('The volume is there, and is another one than the request says.', 'Leave out what errors[] points at, or choose another name.'),
  'volume.size_not_enforced': invalid('Nothing would hold the volume to this size.', 'Leave size_bytes out, or take the backend loop on a node that has it.'),
  'volume.size_required': invalid('The backend makes a volume in its size.', 'Give size_bytes, or take the backend local.'),
  'volume.size_out_of_range': invalid('The size is no whole number of bytes within the limits.', 'Choose one from 1 MiB to 64 TiB.'),
  'volume.backend_missing': invalid('No node has this backend.', 'Take another one, or let an operator give a node that: WAYBILL_VOLUME_BACKENDS.'),
  'volume.bound': conflict('The volume is on another node.', 'Nothing to do: the scheduler looks again.'),
  'volume.not_cleared': conflict('What was left of the volume on the node is being removed.', 'Nothing to do: the scheduler waits for it.'),
  'network.not_found': notFound('There is no such network in the environment, or within your reach.', 'GET /v1/networks lists them; POST /v1/networks makes one.'),
  'network.exists': conflict('Another request created it.', 'Send the request again: it takes the one that is there.'),
  'network.deleted': conflict('The network was deleted.', 'Make another one, and name that.'),
  'network.differs': invalid('The network is there, and is called otherwise than the request says.', 'Leave out what errors[] points at.'),
  'network.in_use': conflict('Services, jobs or schedules join the network.', 'Take it out of them, or delete them; facts.used_by names them.'),
  'network.of_environment': conflict('It is the own network of its environment.', 'Delete the environment: its network goes with it.'),
  'network.too_many': conflict('The project has as many networks as it may, those of its environments included.', 'Delete an environment or a network first.'),
  'network.name_reserved': conflict('Every environment’s own network is called default.', 'Choose another name.'),
  'network_pool.invalid': invalid('The pool of subnets is no block that subnets can be cut from.', 'Set WAYBILL_SUBNET_POOL to a block like 10.192.0.0/11.'),
  'network_pool.exhausted': conflict('Every subnet of the pool is in use.', 'Delete environments that nobody needs, or configure a larger WAYBILL_SUBNET_POOL.'),
};

/** Services, their deployments, jobs. */
const work: Record<string, ErrorEntry> = {
  'docker_service.not_found': notFound('There is no such service within your reach.', 'GET /v1/docker-services lists those that are.'),
  'docker_service.invalid': invalid('Fields of the service break a rule; errors[] lists every one.', 'Correct the fields that errors[] points at.'),
  'docker_service.exists': conflict('Another request created it.', 'Read it.'),
  'docker_service.in_use': conflict('Resources, services, jobs or schedules depend on the service.', 'Take it out there, or delete them first; facts.used_by names them.'),
  'docker_service.deleted': conflict('The service is being deleted, or was.', 'Create another one.'),
  'docker_service.halted': conflict('A deployment of it failed; nothing is started any more.', 'Start another deployment, or delete the service; facts.reason says what failed.'),
  'docker_service.deployment_active': conflict('A deployment is under way and has to end first.', 'Wait for it: GET /v1/deployments/{id}.'),
  'docker_service.not_deleting': conflict('Its deletion was not requested.', 'DELETE it first.'),
  'docker_service.replicas_left': conflict('Containers of it are still there.', 'Wait until the engine has confirmed that they are gone.'),
  'docker_service.generation_taken': conflict('A plan was made from an older state: the slot already had this generation.', 'Nothing to do: the scheduler plans again.'),
  'docker_service.paused': conflict('The service is paused or stopped.', 'Resume or start it first.'),
  'docker_service.stopped': conflict('The service is stopped: it has no containers.', 'Start it first.'),
  'docker_service.not_paused': conflict('The service is neither paused nor stopped.', 'Nothing to do; a halted one is started.'),
  'docker_service.not_stopped': conflict('The service is neither stopped, paused nor halted.', 'To start its containers anew, restart it.'),
  'docker_service.release_not_kept': conflict('The release was never cut, or is older than those that are kept.', 'Choose one of facts.kept, or deploy its spec again.'),
  'docker_service.release_current': conflict('The service is at this release already.', 'To start its containers anew, restart it.'),
  'docker_service.release_not_found': notFound('No release of this number was ever cut.', 'GET /v1/docker-services/{id}/releases lists them.'),
  'docker_service.no_earlier_release': conflict('No other release of it was ever deployed well.', 'Name the release to go back to.'),
  'docker_service.surge_does_not_fit': conflict('Host ports are published once on a node, and there are too few nodes for the surge.', 'Set max_surge to 0 and max_unavailable to 1 or more, or give up the host port.'),
  'deployment.ended': conflict('The deployment has ended.', 'To go back, roll the service back.'),
  'deployment.superseded': conflict('A newer deployment took over.', 'Cancel that one: facts.deploymentId.'),
  'deployment.stage_passed': conflict('A plan was made from an older state: the deployment is further.', 'Nothing to do: the scheduler plans again.'),
  'deployment.stage_not_begun': conflict('A plan was made from another state: the deployment is not there yet.', 'Nothing to do: the scheduler plans again.'),
  'deployment.not_found': notFound('There is no such deployment within your reach.', 'GET /v1/docker-services/{id}/deployments lists those of a service.'),
  'deployment.invalid': invalid('Fields of the deployment break a rule; errors[] lists every one.', 'Correct the fields that errors[] points at.'),
  'deployment.closed': conflict('The deployment has ended.', 'Start another one.'),
  'deployment.generation_taken': conflict('A plan was made from an older state: the slot already had this generation.', 'Nothing to do: the scheduler plans again.'),
  'image.invalid_reference': invalid('The image is no reference that an engine understands.', 'Write it like docker.io/library/nginx:1.27.'),
  'job.not_found': notFound('There is no such job within your reach.', 'GET /v1/jobs lists those that are.'),
  'job.exists': conflict('Another request created it.', 'Read it.'),
  'job.invalid': invalid('Fields of the job break a rule; errors[] lists every one.', 'Correct the fields that errors[] points at.'),
  'job.timeout_out_of_range': invalid('The timeout is no whole number of milliseconds within the limits.', 'Choose timeout_ms from facts.min_ms to facts.max_ms.'),
  'job.retries_out_of_range': invalid('The retries are no whole number within the limits.', 'Choose retries from 0 to facts.max.'),
  'job.ended': conflict('The job has ended; a job has one outcome.', 'Run it again as a new job: POST /v1/jobs/{id}/run.'),
  'job.cancel_requested': conflict('The job is being cancelled.', 'Nothing to do: it ends when its container has stopped.'),
  'job.not_cancelled': conflict('Nobody asked to cancel the job.', 'Nothing to do: it is ignored.'),
  'job.no_release': conflict('The service has no release that a job could take.', 'Deploy one, or give the job a container of its own.'),
  'job.retries_spent': conflict('No other attempt of the job follows.', 'Nothing to do: the job runner ends it.'),
  'schedule.not_found': notFound('There is no such schedule within your reach.', 'GET /v1/schedules lists those that are.'),
  'schedule.exists': conflict('Another request created it.', 'Read it.'),
  'schedule.invalid': invalid('Fields of the schedule break a rule; errors[] lists every one.', 'Correct the fields that errors[] points at.'),
  'schedule.cron_invalid': invalid('The cron expression is not understood, or never comes due.', 'Write five fields: minute, hour, day of month, month, day of week, like */15 8-18 * * MON-FRI.'),
  'schedule.time_zone_unknown': invalid('There is no such time zone.', 'Name one of the IANA data base, like Europe/Berlin or UTC.'),
  'schedule.deleted': conflict('The schedule was deleted.', 'Create another.'),
  'schedule.paused': conflict('The schedule is paused.', 'Nothing to do: it fires again once it is resumed.'),
  'schedule.minute_decided': conflict('The minute was decided before.', 'Nothing to do: it is ignored.'),
  'job.attempt_open': conflict('An attempt of the job is under way.', 'Wait until it ends.'),
  'job.attempt_out_of_order': conflict('Attempts are counted without gaps.', 'Nothing to do: the job runner goes on with facts.next.'),
  'job.attempt_unknown': conflict('The outcome belongs to no attempt that was started.', 'Nothing to do: it is ignored.'),
};

/** Secrets and configs. */
const values: Record<string, ErrorEntry> = {
  'secret.not_found': notFound('There is no such secret within your reach.', 'GET /v1/secrets lists those that are.'),
  'secret.unknown': invalid('The container is given a secret, or a version, that is not there for it.', 'Name one of the same project, and of the same environment or of none: GET /v1/secrets.'),
  'secret.exists': conflict('Another request created it.', 'Read it.'),
  'secret.deleted': conflict('The secret was deleted.', 'Create another one.'),
  'secret.version_taken': conflict('Another request made this version at the same time.', 'Send it again.'),
  'secret.in_use': conflict('Services, jobs or schedules use the secret.', 'Take it out of those that facts.used_by names, or delete them.'),
  'config.not_found': notFound('There is no such config within your reach.', 'GET /v1/configs lists those that are.'),
  'config.unknown': invalid('The container is given a config, or a version, that is not there for it.', 'Name one of the same project, and of the same environment or of none: GET /v1/configs.'),
  'config.exists': conflict('Another request created it.', 'Read it.'),
  'config.deleted': conflict('The config was deleted.', 'Create another one.'),
  'config.version_taken': conflict('Another request made this version at the same time.', 'Send it again.'),
  'config.in_use': conflict('Services, jobs or schedules use the config.', 'Take it out of those that facts.used_by names, or delete them.'),
  'value.missing': { status: 500, cause: 'What is to be read is not in the store of values.', wayOut: 'Restore the store that VALUE_STORE_URL names from the copy that belongs to this log, or keep the value again as a new version.' },
  'value.unreadable': { status: 500, cause: 'What is kept was cut or changed, or belongs to another version.', wayOut: 'Restore the store of values from a copy, or keep the value again as a new version.' },
  'value.key_unknown': { status: 500, cause: 'The key that it was encrypted under is not in the key file.', wayOut: 'Put its line back into the file at WAYBILL_KEY_FILE, from a copy, below those that are there now.' },
  'value.key_wrong': { status: 500, cause: 'The key of that name is another one than it was encrypted under.', wayOut: 'Put the right key file back at WAYBILL_KEY_FILE.' },
  'value.not_sealed_to_me': { status: 500, cause: 'An agent got an answer that was sealed to another one, or was changed on the way.', wayOut: 'Nothing to do: it asks again; if it stays so, look who else speaks on the bus.' },
  'value_store.unavailable': passing('The store of values can’t be reached.', 'Try again; VALUE_STORE_URL says where it is.'),
};

/** What could never run on any node that is known, said at once. */
const admission: Record<string, ErrorEntry> = {
  'placement.capacity': invalid('No node is large enough, even an empty one.', 'Ask for less, or add a larger node; facts.nodes says what each one lacks.'),
  'placement.constraint': invalid('No node meets the constraints.', 'Correct them, or label a node; facts.nodes says what each one has against it.'),
  'placement.volume': conflict('No node that could take it has the volume, or the backend for it.', 'Free the node that the volume is on, or take another volume or backend; facts.nodes says what each one has against it.'),
  'placement.volume_spread': conflict('A volume is on one node, and a host port is published once on a node.', 'Ask for one replica, or leave host_port out.'),
  'placement.host_path': invalid('No node lets containers have the folder.', 'Name one below WAYBILL_HOST_PATHS of a node, or use a volume.'),
  'placement.host_port': conflict('The host port is taken on every node.', 'Choose another host_port, or leave it out.'),
  'placement.host_port_spread': conflict('A host port is published once on a node, and there are fewer fitting nodes than replicas.', 'Ask for fewer replicas, add nodes, or leave host_port out.'),
  'placement.no_node_fits': conflict('Each node has another reason not to take it.', 'Change what facts.nodes names.'),
};

/** Replicas and nodes: most of these are answers to parts of the platform, not to people. */
const placement: Record<string, ErrorEntry> = {
  'replica.not_found': notFound('There is no such replica.', 'GET …/replicas lists those of a service.'),
  'replica.abandoned': conflict('It was given up before any node took it.', 'Nothing to do: its slot gets the next generation.'),
  'replica.attempt_out_of_order': conflict('Attempts to place it are counted without gaps.', 'Nothing to do: the scheduler goes on with facts.next.'),
  'replica.not_claimed': conflict('No such claim is open.', 'Nothing to do: the scheduler reads it again.'),
  'replica.claim_open': conflict('A node has not yet answered the last attempt to place it.', 'Nothing to do: the scheduler settles it first.'),
  'replica.placed': conflict('A node holds it.', 'Nothing to do: it is stopped there.'),
  'node.not_found': notFound('There is no such node.', 'GET /v1/nodes lists them.'),
  'node.removed': conflict('The node was removed for good.', 'Register the host under a new id: empty WAYBILL_NODE_DIR and start the agent.'),
  'node.other_key': forbidden('Another agent registered under this id.', 'Give each agent its own WAYBILL_NODE_DIR.'),
  'node.facts_invalid': invalid('An agent said something of its host that cannot be.', 'Correct what the detail names in the agent’s configuration.'),
  'node.replica_going': conflict('The replica is being removed from the node.', 'Nothing to do: its slot gets the next generation.'),
};

/** The platform itself: nothing is known to be wrong with the request. */
const platform: Record<string, ErrorEntry> = {
  'event_store.busy': passing('Others change the same thing all the time, or the event store can’t be reached.'),
  'event_store.unavailable': passing('The event store can’t be reached, or its answer was lost.', 'Send the same request again with the same Idempotency-Key.'),
  'event_store.conflict': conflict('The thing was changed meanwhile.', 'Read it again and decide again.'),
  'read_models.busy': passing('The read models are locked by another process.'),
  'read_models.unavailable': passing('The server of the read models can’t be reached or is busy.', 'Try again; GET /readyz says when it is back.'),
  'read_models.refused': { status: 500, cause: 'The server of the read models refused: credentials, rights, or a document too large.', wayOut: 'Ask the operator to look at READ_MODEL_URL and the gateway’s log.' },
  'events.request_invalid': invalid('A subscriber asked waybill.events.read for something that can’t be meant.', 'Correct what the message names: a position, a type, a project’s id.'),
  'events.other_history': conflict('A subscriber’s position is not of this log, or the log was put back to an earlier state.', 'Decide what to do with what was taken in, then begin again from null or from a position of this log.'),
  'projection.not_found': notFound('There is no such view.', 'GET /v1/projections lists them.'),
  'read_model.behind': passing('The views have not caught up with the log.', 'Try again, or look at /v1/projections.'),
  'bus.no_responder': passing('The part of the platform that would answer is not there.', 'Try again; if it stays so, look whether the agent or app runs.'),
  'bus.timeout': passing('The part of the platform that was asked did not answer in time.'),
  'bus.disconnected': passing('This part of the platform has no connection to NATS.'),
  'bus.remote_error': passing('The part of the platform that was asked failed.', 'Try again; its log says what failed.'),
  'dispatch.incomplete': passing('An agent has not got its whole set.', 'Nothing to do: it is sent again.'),
  'dispatch.base_moved': passing('An agent moves on while its set is made.', 'Nothing to do: it is made again.'),
  'scheduler.unsettled': passing('A service changes faster than it is planned.', 'Nothing to do: the scheduler plans it again.'),
  internal: { status: 500, cause: 'A fault in Waybill.', wayOut: 'Report it with the gateway’s log line of that time.' },
};

/** Every code that an answer may carry. Codes are stable: they change their meaning never. */
export const errorCatalogue: Readonly<Record<string, ErrorEntry>> = { ...request, ...access, ...surroundings, ...work, ...values, ...admission, ...placement, ...platform };
