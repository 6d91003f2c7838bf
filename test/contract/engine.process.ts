import { importBusybox, startEngine, startNats } from '#testing';

/** A test run to be killed: starts an engine with a container that runs and publishes a port, and a broker, says where, and waits. */
const image = 'waybill-test/busybox:1';
const [engine, broker] = [await startEngine(), await startNats()];
await importBusybox(engine.host, image);
await engine.docker('network', 'create', 'backend');
await engine.docker('run', '-d', '--network', 'backend', '-p', '8080:80', image, 'httpd', '-f', '-p', '80', '-h', '/www');
console.log(JSON.stringify({ host: engine.host, address: engine.address, hostAddress: engine.hostAddress, broker: broker.pid }));
setInterval(() => undefined, 60_000);
