import { PullMeter } from './pull-meter.ts';

const downloading = (id: string, current: number, total: number) => ({ status: 'Downloading', id, progressDetail: { current, total } });

it('adds up the layers that are being downloaded, and takes those for done that go on to the next step', () => {
  const meter = new PullMeter();
  const seen = [
    { status: 'Pulling from shop/web', id: '1' },
    { status: 'Already exists', id: 'a', progressDetail: {} },
    downloading('b', 10, 100),
    downloading('c', 0, 300),
    downloading('b', 90, 100),
    { status: 'Download complete', id: 'b', progressDetail: {} },
    { status: 'Extracting', id: 'b', progressDetail: { current: 5, total: 100 } },
    downloading('c', 300, 300),
    { status: 'Digest: sha256:…' },
  ].map((message) => meter.take(message));
  expect(seen.map(({ doneBytes, totalBytes }) => `${doneBytes}/${totalBytes}`)).toEqual(['0/0', '0/0', '10/100', '10/400', '90/400', '100/400', '100/400', '400/400', '400/400']);
});
