// restic's REST server on 127.0.0.1, behind a counter of the bytes that it receives.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const listen = (server) => new Promise((resolve) => { server.listen(0, '127.0.0.1', () => { resolve(server.address().port); }); });

/** Serves a directory; `port` is the counter's, `received()` says how many bytes came by it, `stop()` ends both. */
export async function startRestServer(directory, { port: wanted } = {}) {
  const probe = createServer();
  const inner = await listen(probe);
  await new Promise((resolve) => { probe.close(resolve); });
  const child = spawn('.cache/bin/rest-server', ['--no-auth', '--listen', `127.0.0.1:${inner}`, '--path', directory], { stdio: 'ignore' });
  let bytes = 0;
  const counter = createServer((socket) => {
    const upstream = connect(inner, '127.0.0.1');
    socket.on('data', (c) => { bytes += c.length; });
    for (const s of [socket, upstream]) s.on('error', () => { socket.destroy(); upstream.destroy(); });
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
  const port = wanted === undefined ? await listen(counter) : await new Promise((resolve) => { counter.listen(wanted, '127.0.0.1', () => { resolve(wanted); }); });
  for (let i = 0; i < 100; i++) {
    if (await fetch(`http://127.0.0.1:${inner}/config`).then(() => true, () => false)) break;
    if (i === 99) throw new Error('rest-server does not answer');
    await sleep(100);
  }
  return {
    port,
    received: () => bytes,
    stop: async () => {
      child.kill('SIGKILL');
      await new Promise((resolve) => { if (child.exitCode !== null || child.signalCode !== null) resolve(); else child.on('close', resolve); });
      counter.close();
    },
  };
}
