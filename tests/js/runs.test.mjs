// Runs side by side: ended in the middle, in streams, in batches, with buffers that move and outputs
// that are there already; and what failures leave behind.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  forever, gru, longStep, model, node, product, small, tensor, turning,
} from './onnx_writer.mjs';
import { findPackage, packageDir, part, until, withoutTable } from './setup.mjs';

const { AshoreError, load, Tensor } = await part('index.js');
const vad = path.join(findPackage('@ricky0123/vad-web'), 'dist');
const aborted = { name: 'AbortError' };
const fails = (code, fields = {}) => (error) => error instanceof AshoreError && error.code === code
  && Object.entries(fields).every(([key, value]) => (value instanceof RegExp
    ? value.test(error[key]) : error[key] === value));
const x = new Tensor('float32', [-5, 0, 1, 5], [1, 4]);
const wanted = [0, 0, 3, 3];
const row = (n) => new Tensor('float32', [n, n, n, n], [1, 4]);
const square = (side) => new Tensor('float32', new Float32Array(side * side), [side, side]);
const image = (side) => new Tensor('float32', new Float32Array(32 * side * side),
  [1, 32, side, side]);
// For a model of turning().
const turn = (turns) => ({ x: square(256), turns: new Tensor('int64', [turns], []) });
const shells = [{ threads: 1 }, { threads: 3 }, { shell: 'worker', threads: 1 },
  { shell: 'worker', threads: 3 }];
const plainly = ({ code, message }) => `${code} ${message}`;
const title = (options) => JSON.stringify(options);

async function using(bytes, options, use) {
  const m = await load(bytes, options);
  try {
    return await use(m);
  } finally {
    m.close();
  }
}

// ---- ending runs --------------------------------------------------------------------------------

test('an abort ends a step in the middle, where memory is shared', async () => {
  const feeds = { x: image(256) };
  const [a, b] = await Promise.all([1, 2].map(() => load(longStep(), { shell: 'worker',
    threads: 2 })));
  try {
    const order = [];
    const stop = new AbortController();
    const whole = b.run(feeds).then(() => order.push('whole'), () => order.push('closed'));
    const cut = a.run(feeds, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(cut, aborted);
    assert.equal((await a.run({ x: image(1) })).y.data[0], 0);
    order.push('next');
    b.close();
    await whole;
    // The engine beside it was at the same step still when this one had answered its next call.
    assert.deepEqual(order, ['next', 'closed']);
  } finally {
    a.close();
    b.close();
  }
});

for (const options of shells) {
  test(`runs end one by one, those that wait never begin, ${title(options)}`, async () => {
    await using(turning(), { ...options, profile: true }, async (m) => {
      const stops = Array.from({ length: 6 }, () => new AbortController());
      // The first lasts until all the others are asked for, and three of them aborted.
      const runs = stops.map(({ signal }, i) => (i ? m.run(turn(1n), { signal }) : m.run(turn(300n))));
      for (const i of [1, 2, 4]) stops[i].abort();
      const ends = await Promise.allSettled(runs);
      assert.deepEqual(ends.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected',
        'fulfilled', 'rejected', 'fulfilled']);
      for (const i of [1, 2, 4]) assert.equal(ends[i].reason.name, 'AbortError');
      assert.equal((await m.run(turn(1n))).y.data[0], 0);
      assert.deepEqual((await m.profile()).map((step) => step.runs), [303]);
    });
  });
}

// The messages that go to workers while `use` runs.
async function sent(use) {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const { postMessage } = Worker.prototype;
  const messages = [];
  Worker.prototype.postMessage = function post(message, ...more) {
    postMessage.call(this, message, ...more);
    messages.push(message);
  };
  try {
    await use(messages);
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
}

test('what cannot be sent takes no word that ends runs with it', async () => {
  await using(small(), { shell: 'worker', threads: 2 }, async (m) => {
    const { signal } = new AbortController();
    for (let i = 0; i < 70; i++) { // there are 64
      await assert.rejects(m.run({ x }, { signal, outputs: [() => 'y'] }), fails('ERR_TYPE'));
    }
    await sent(async (messages) => {
      await m.run({ x }, { signal });
      assert.ok(messages[0].word > 0);
    });
  });
});

test('more runs with a signal than there are words for, in order', async () => {
  await using(gru(), { shell: 'worker', threads: 2 }, async (m) => {
    const stream = await m.stream({ state: { hn: 'h' } });
    const { signal } = new AbortController();
    const seen = [];
    const feed = { x: new Tensor('float32', [1, 2, 3, 4, 5, 6], [1, 1, 6]) };
    const results = await Promise.all(Array.from({ length: 150 }, async (_, i) => {
      const result = await stream.run(feed, i % 3 ? { signal } : {});
      seen.push(i);
      return result;
    }));
    assert.deepEqual(seen, Array.from({ length: 150 }, (_, i) => i));
    const again = await m.stream({ state: { hn: 'h' } });
    assert.deepEqual(await again.runAll(Array(150).fill(feed)), results);
  });
});

for (const options of shells) {
  test(`closing in the middle rejects all that is pending, ${title(options)}`, async () => {
    const m = await load(turning(), options);
    const stop = new AbortController();
    const { signal } = stop;
    const runs = [1, 2, 3].map(() => m.run(turn(forever), { signal }));
    const stream = m.stream({ state: {} });
    stream.catch(() => {}); // awaited when the runs have ended
    setTimeout(() => {
      m.close();
      if (options.shell) stop.abort(); // too late: it is closed
    }, 5);
    for (const end of await Promise.allSettled(runs)) {
      assert.equal(end.status === 'rejected' && end.reason.code, 'ERR_STATE');
    }
    await stream.then((s) => s.close(), () => {});
    await assert.rejects(m.run(turn(0n)), fails('ERR_STATE', { message: /closed/ }));
    await assert.rejects(m.stream({ state: {} }), fails('ERR_STATE'));
    assert.ok(await until(() => !process.getActiveResourcesInfo().includes('Worker')),
      'no worker is left behind');
  });
}

// ---- streams ------------------------------------------------------------------------------------

const noise = (seed, n) => Float32Array.from({ length: n }, (_, i) => Math.sin(seed + i * i) / 2);
const sr = new Tensor('int64', [16000n], []);
const zeros = (...dims) => new Tensor('float32',
  new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
const recurrent = {
  gru: { source: gru(), state: { hn: 'h' }, initial: undefined, first: { h: zeros(1, 1, 8) },
    feeds: (i) => ({ x: new Tensor('float32', noise(i, 6), [1, 1, 6]) }), out: ['y', 'seen'] },
  'Silero VAD v5': { source: path.join(vad, 'silero_vad_v5.onnx'), state: { stateN: 'state' },
    initial: { state: zeros(2, 1, 128) }, first: { state: zeros(2, 1, 128) },
    feeds: (i) => ({ input: new Tensor('float32', noise(i, 576), [1, 576]), sr }), out: ['output'] },
  'Silero VAD v6': { source: path.join(vad, 'silero_vad_v6.onnx'), state: { stateN: 'state' },
    initial: { state: zeros(2, 1, 128) }, first: { state: zeros(2, 1, 128) },
    feeds: (i) => ({ input: new Tensor('float32', noise(i, 576), [1, 576]), sr }), out: ['output'] },
  'Silero VAD legacy': { source: path.join(vad, 'silero_vad_legacy.onnx'),
    state: { hn: 'h', cn: 'c' }, initial: { h: zeros(2, 1, 64), c: zeros(2, 1, 64) },
    first: { h: zeros(2, 1, 64), c: zeros(2, 1, 64) },
    feeds: (i) => ({ input: new Tensor('float32', noise(i, 512), [1, 512]), sr }), out: ['output'] },
};
const turns = 8;

// What runs give whose state is passed by hand: results without it, and the last state.
async function byHand(m, { state, first, feeds }, from, given = first) {
  let now = given;
  const all = [];
  for (let i = from; i < from + turns; i++) {
    const results = await m.run({ ...feeds(i), ...now });
    now = Object.fromEntries(Object.entries(state).map(([out, name]) => [name, results[out]]));
    for (const out of Object.keys(state)) delete results[out];
    all.push(results);
  }
  return { all, now };
}

for (const [name, given] of Object.entries(recurrent)) {
  for (const options of shells) {
    test(`${name}: streams give the bits of states passed by hand, ${title(options)}`, async () => {
      await using(given.source, options, async (m) => {
        const { state, initial, feeds, out } = given;
        const one = await byHand(m, given, 0);
        const two = await byHand(m, given, 100);
        const first = await m.stream({ state, initial });
        const second = await m.stream({ state, initial });
        assert.deepEqual(first.outputs.map((info) => info.name), out);
        assert.deepEqual(first.inputs.map((info) => info.name),
          m.inputs.map((info) => info.name).filter((each) => each in feeds(0)));
        const results = await Promise.all(Array.from({ length: turns }, (_, i) =>
          Promise.all([first.run(feeds(i)), second.run(feeds(100 + i))])));
        assert.deepEqual(results.map(([a]) => a), one.all);
        assert.deepEqual(results.map(([, b]) => b), two.all);
        assert.deepEqual(await first.state(), one.now);
        assert.deepEqual(await second.state(), two.now);

        // On from a state that was saved, in the stream itself and in another.
        const saved = await first.state();
        const more = await byHand(m, given, 50, one.now);
        const batch = Array.from({ length: turns }, (_, i) => feeds(50 + i));
        assert.deepEqual(await first.runAll(batch), more.all);
        const third = await m.stream({ state, initial: saved });
        assert.deepEqual(await third.runAll(batch), more.all);
        await first.reset(saved);
        assert.deepEqual(await first.runAll(batch), more.all);
        await third.reset();
        assert.deepEqual(await third.state(), saved);
        await second.reset();
        assert.deepEqual((await second.run(feeds(0))), one.all[0]);
        for (const stream of [first, second, third]) stream.close();
        await assert.rejects(first.run(feeds(0)), fails('ERR_STATE', { message: /stream is closed/ }));
        assert.deepEqual((await m.run({ ...feeds(0), ...given.first }))[out[0]].data,
          one.all[0][out[0]].data);
      });
    });
  }
}

test('a run that fails or is aborted leaves the state of a stream as it was', async () => {
  for (const options of shells) {
    await using(gru(), options, async (m) => {
      const { feeds, state } = recurrent.gru;
      const stream = await m.stream({ state });
      await stream.run(feeds(0));
      const before = await stream.state();
      await assert.rejects(stream.run({ x: x }), fails('ERR_SHAPE', { input: 'x' }));
      await assert.rejects(stream.run({ ...feeds(1), h: zeros(1, 1, 8) }), fails('ERR_NAME',
        { input: 'h', message: /state/ }));
      await assert.rejects(stream.run(feeds(1), { outputs: ['none'] }), fails('ERR_NAME'));
      assert.deepEqual(await stream.state(), before);
      const { hn } = await stream.run(feeds(1), { outputs: ['hn'] });
      assert.deepEqual(await stream.state(), { h: hn });
    });
    await using(turning(), options, async (m) => {
      const ones = new Tensor('float32', new Float32Array(256 * 256).fill(1), [256, 256]);
      const stream = await m.stream({ state: { y: 'x' }, initial: { x: ones } });
      for (const why of [undefined, 'enough']) {
        for (const batch of [false, true]) {
          const stop = new AbortController();
          const { signal } = stop;
          const feeds = { turns: new Tensor('int64', [forever], []) };
          const cut = batch ? stream.runAll([feeds], { signal }) : stream.run(feeds, { signal });
          setTimeout(() => stop.abort(why), 5);
          const end = await cut.catch((reason) => reason);
          assert.equal(why ? end : end.name, why ?? 'AbortError');
          assert.deepEqual(await stream.state(), { x: ones });
        }
      }
    });
  }
});

test('an abort that comes when the run of a stream is done is too late', async () => {
  for (const threads of [1, 3]) {
    await using(gru(), { shell: 'worker', threads }, async (m) => {
      const { feeds, state } = recurrent.gru;
      const stream = await m.stream({ state });
      const stop = new AbortController();
      const late = stream.run(feeds(0), { signal: stop.signal, outputs: ['hn'] });
      await new Promise((resolve) => { setTimeout(resolve, 1); }); // the message is out
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      stop.abort();
      const end = await late.catch((reason) => reason);
      // Either way the state is what the answer says.
      if (end.name === 'AbortError') assert.deepEqual(await stream.state(), { h: zeros(1, 1, 8) });
      else assert.deepEqual(await stream.state(), { h: end.hn });
    });
  }
});

test('streams that cannot be are refused, and say why', async () => {
  for (const options of shells) {
    await using(gru(), options, async (m) => {
      const refused = (given, code, fields) => assert.rejects(m.stream(given), fails(code, fields));
      await refused({ state: { none: 'h' } }, 'ERR_NAME', { message: /'y', 'hn', 'seen'/ });
      await refused({ state: { hn: 'none' } }, 'ERR_NAME', { input: 'none' });
      await refused({ state: { hn: 'h', seen: 'h' } }, 'ERR_NAME', { input: 'h' });
      await refused({ state: { hn: 'h' }, initial: { x: zeros(1, 1, 6) } }, 'ERR_NAME',
        { input: 'x' });
      await refused({ state: { hn: 'h' }, initial: { h: 5 } }, 'ERR_TYPE', { input: 'h' });
      const stream = await m.stream({ state: { hn: 'h' } });
      await assert.rejects(stream.reset({ x: zeros(1) }), fails('ERR_NAME', { input: 'x' }));
      await stream.reset({ h: zeros(1, 1, 7) });
      await assert.rejects(stream.run(recurrent.gru.feeds(0)), fails('ERR_SHAPE', { input: 'h' }));
    });
    await using(path.join(vad, 'silero_vad_v5.onnx'), options, (m) =>
      assert.rejects(m.stream({ state: { stateN: 'state' } }), fails('ERR_SHAPE',
        { input: 'state', advice: /initial/ })));
    const types = model({ nodes: [node('Cast', ['a'], ['b'], { to: 7 })],
      inputs: { a: tensor('float32', [1]) }, outputs: { b: tensor('int64', [1]) } });
    await using(types, options, (m) => assert.rejects(m.stream({ state: { b: 'a' } }),
      fails('ERR_TYPE', { input: 'a' })));
  }
});

test('a stream that goes on for long takes no more memory', async () => {
  for (const options of shells) {
    await using(gru(), options, async (m) => {
      const { feeds, state } = recurrent.gru;
      const stream = await m.stream({ state });
      await stream.runAll(Array.from({ length: 50 }, (_, i) => feeds(i)));
      const before = await m.memory();
      for (let turn = 0; turn < 10; turn++) {
        await stream.runAll(Array.from({ length: 100 }, (_, i) => feeds(i)));
        await stream.reset(await stream.state());
        (await m.stream({ state })).close();
      }
      const after = await m.memory();
      assert.equal(after.wasm, before.wasm);
      assert.ok(after.total <= before.total + 4096, `${after.total - before.total} bytes more`);
    });
  }
});

test('streams run at once in the thread of the engine', async () => {
  const { load: inline } = await part('inline.js');
  const m = await inline(gru(), { threads: 1 });
  const { state, feeds } = recurrent.gru;
  const { all } = await byHand(m, recurrent.gru, 0);
  const stream = await m.stream({ state });
  for (let i = 0; i < turns; i++) assert.deepEqual(stream.runSync(feeds(i)), all[i]);
  m.close();
});

// ---- batches ------------------------------------------------------------------------------------

test('a batch goes over in one message, in order; a failure says which run', async () => {
  for (const options of shells) {
    await using(small(), options, async (m) => {
      const { traffic } = m.report;
      const before = { ...traffic };
      const all = await m.runAll([1, 2, 3].map((n) => ({ x: row(n) })));
      assert.deepEqual(all.map(({ y }) => y.data[0]), [2, 3, 4]);
      assert.equal(traffic.messages - before.messages, options.shell ? 2 : 0);
      assert.equal(traffic.bytesIn - before.bytesIn, 3 * 16);
      assert.equal(traffic.bytesOut - before.bytesOut, 3 * 16);
      assert.deepEqual(await m.runAll([]), []);
      const bad = [{ x: row(1) }, { x: row(2) }, { x: new Tensor('int32', [1], [1, 1]) }, { x: row(3) }];
      const error = await m.runAll(bad).catch((each) => each);
      assert.ok(fails('ERR_TYPE', { index: 2, input: 'x', message: /run 2 of 4/ })(error), error);
      assert.deepEqual(error.results.map(({ y }) => y.data[0]), [2, 3]);
      assert.ok(error.results[0].y instanceof Tensor);
    });
    await using(turning(), options, async (m) => {
      const stop = new AbortController();
      const cut = m.runAll([turn(1n), turn(forever), turn(1n)], { signal: stop.signal });
      setTimeout(() => stop.abort(), 10);
      await assert.rejects(cut, aborted);
      assert.equal((await m.run(turn(1n))).y.data[0], 0);
    });
  }
});

// ---- buffers that move, and outputs that are there ------------------------------------------------

test('inputs are moved on request; of a part of a buffer a copy is', async () => {
  for (const options of shells) {
    await using(small(), options, async (m) => {
      const whole = row(1);
      const large = new Float32Array(100).fill(2);
      const shared = new Float32Array(new SharedArrayBuffer(16)).fill(3);
      for (const [data, want] of [[whole.data, 2], [large.subarray(8, 12), 3], [shared, 4]]) {
        const { bytesIn } = m.report.traffic;
        const given = new Tensor('float32', data, [1, 4]);
        assert.equal((await m.run({ x: given }, { transfer: true })).y.data[0], want);
        assert.equal(m.report.traffic.bytesIn - bytesIn, 16);
      }
      assert.equal(whole.data.length, options.shell ? 0 : 4);
      assert.equal(large.length, 100);
      if (!options.shell) return;
      await assert.rejects(m.run({ x: whole }), fails('ERR_SHAPE', { input: 'x' }));
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
      assert.equal(x.data.length, 4, 'without the option it stays');
    });
  }
});

test('outputs are written to tensors of the caller', async () => {
  for (const options of shells) {
    await using(small(), options, async (m) => {
      const room = new Float32Array(12).fill(-1);
      const own = new Tensor('float32', room.subarray(4, 8), [1, 4]);
      const shared = new Tensor('float32', new Float32Array(new SharedArrayBuffer(16)), [1, 4]);
      for (const into of [own, shared]) {
        const { data } = into;
        const { y } = await m.run({ x }, { into: { y: into } });
        assert.equal(y, into);
        assert.equal(y.data, data);
        assert.deepEqual([...y.data], wanted);
      }
      assert.deepEqual([...room], [-1, -1, -1, -1, ...wanted, -1, -1, -1, -1]);
      const refused = (y, code) => assert.rejects(m.run({ x }, { into: { y } }), fails(code));
      await refused(new Tensor('int32', [1, 2, 3, 4], [1, 4]), 'ERR_TYPE');
      await refused(new Tensor('float32', [1, 2, 3], [1, 3]), 'ERR_SHAPE');
      await refused(5, 'ERR_TYPE');
      const two = zeros(2, 4);
      await refused(two, 'ERR_SHAPE'); // known after the run alone
      assert.deepEqual([...two.data], [...new Float32Array(8)]);
      await assert.rejects(m.run({ x }, { into: { z: own } }), fails('ERR_NAME', { message: /'y'/ }));
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    });
  }
});

// ---- what is wrong ------------------------------------------------------------------------------

test('a wrong input is named, whatever is wrong with it', async () => {
  for (const options of shells) {
    await using(small(), options, async (m) => {
      const changed = row(1);
      changed.dims = [1, 2];
      const overfull = row(1);
      overfull.data = new Float32Array(1 << 16);
      for (const [feeds, code, input] of [
        [{}, 'ERR_NAME', 'x'], [{ z: x }, 'ERR_NAME', 'z'], [{ x: 5 }, 'ERR_TYPE', 'x'],
        [{ x: [x] }, 'ERR_TYPE', 'x'], [{ x: null }, 'ERR_TYPE', 'x'],
        [{ x: new Tensor('int32', [1, 2, 3, 4], [1, 4]) }, 'ERR_TYPE', 'x'],
        [{ x: new Tensor('float32', [1, 2, 3], [1, 3]) }, 'ERR_SHAPE', 'x'],
        [{ x: changed }, 'ERR_SHAPE', 'x'], [{ x: overfull }, 'ERR_SHAPE', 'x'],
        [{ x: { type: 'float32', dims: [4], data: () => 1 } }, 'ERR_TYPE', options.shell ? '' : 'x'],
      ]) {
        const error = await m.run(feeds).catch((each) => each);
        assert.ok(fails(code, { input })(error), `${Object.keys(feeds)}: ${error.stack}`);
        assert.deepEqual([...(await m.run({ x })).y.data], wanted);
      }
    });
  }
});

// Replaces a property of an object as long as it is used.
async function faking(object, name, value, use) {
  const real = object[name];
  object[name] = value;
  try {
    return await use(real);
  } finally {
    object[name] = real;
  }
}

test('shared memory that is refused is asked for smaller, aloud', async () => {
  const { Memory } = WebAssembly;
  const limited = (most) => function limitedMemory(given) {
    if (given.maximum > most) throw new RangeError('WebAssembly.Memory(): could not allocate memory');
    return new Memory(given);
  };
  await faking(WebAssembly, 'Memory', limited(8192), async () => {
    await using(small(), { threads: 2 }, async (m) => {
      assert.equal(m.report.threads, 2);
      assert.deepEqual(m.report.missing.map(({ feature }) => feature), ['memory']);
      assert.match(m.report.missing[0].cost, /512 MiB/);
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    });
    await assert.rejects(load(small(), { threads: 2, strict: true }), fails('ERR_UNSUPPORTED'));
  });
  await faking(WebAssembly, 'Memory', limited(1), async () => {
    await using(small(), { threads: 2 }, async (m) => {
      assert.equal(m.report.threads, 1);
      assert.equal(m.report.shared, false);
      assert.deepEqual(m.report.missing.map(({ feature }) => feature), ['threads']);
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    });
    await assert.rejects(load(small(), { threads: 2, strict: true }), fails('ERR_UNSUPPORTED'));
  });
});

// Instances whose exports are changed.
const changing = (change) => {
  const { Instance } = WebAssembly;
  return function changed(module, imports) {
    const { exports } = new Instance(module, imports);
    return { exports: { ...exports, ...change(exports) } };
  };
};

test('an engine that stops takes its own model alone with it', async () => {
  for (const threads of [1, 2]) {
    await using(small(), { threads: 1 }, async (other) => {
      let trap = false;
      const m = await faking(WebAssembly, 'Instance', changing(({ advance }) => ({
        advance: (...args) => {
          if (trap) throw new WebAssembly.RuntimeError('unreachable');
          return advance(...args);
        } })), () => load(small(), { threads }));
      await m.run({ x });
      trap = true;
      const runs = [1, 2].map(() => m.run({ x }));
      for (const { reason } of await Promise.allSettled(runs)) {
        assert.ok(fails('ERR_INTERNAL', { message: /stopped in advance/ })(reason));
        assert.ok(reason.cause instanceof WebAssembly.RuntimeError);
      }
      assert.deepEqual([...(await other.run({ x })).y.data], wanted);
      await using(small(), { threads }, async (next) =>
        assert.deepEqual([...(await next.run({ x })).y.data], wanted));
      m.close();
    });
  }
});

test('memory that is refused: to an instance, to a model, to a run, with figures', async () => {
  await faking(WebAssembly, 'Instance', function refused() {
    throw new RangeError('WebAssembly.Instance(): Out of memory');
  }, () => assert.rejects(load(small(), { threads: 1 }), fails('ERR_NOMEM', { advice: /./ })));
  // Three results of nearly 2 GiB each: a memory has 4.  They are made before anything is computed.
  const outer = model({ nodes: [node('MatMul', ['a', 'b'], ['y']), node('Relu', ['y'], ['z']),
    node('Neg', ['y'], ['w'])],
  inputs: { a: tensor('float32', ['N', 1]), b: tensor('float32', [1, 'N']) },
  outputs: Object.fromEntries(['y', 'z', 'w'].map((name) => [name, tensor('float32', ['N', 'N'])])) });
  for (const options of shells) {
    await using(outer, options, async (m) => {
      const feeds = (n) => ({ a: zeros(n, 1), b: zeros(1, n) });
      const error = await m.run(feeds(23000)).catch((each) => each);
      assert.ok(fails('ERR_NOMEM', { message: /2116000000/, advice: /\d+ bytes/ })(error), error);
      assert.equal((await m.run(feeds(2))).y.data.length, 4);
    });
  }
});

test('a policy that blocks WebAssembly is named, with what it takes', async () => {
  const messages = [ // of Chromium, Firefox and WebKit
    "WebAssembly.compile(): Refused to compile or instantiate WebAssembly module because neither"
      + " 'wasm-eval' nor 'unsafe-eval' is an allowed source of script in the following Content"
      + ' Security Policy directive: "script-src \'self\'"',
    'call to WebAssembly.compile() blocked by CSP',
    "Refused to create a WebAssembly object because 'unsafe-eval' or 'wasm-unsafe-eval' is not an"
      + ' allowed source of script',
  ];
  for (const message of messages) {
    await faking(WebAssembly, 'compile', async () => { throw new WebAssembly.CompileError(message); },
      () => assert.rejects(load(small(), { threads: 1 }), fails('ERR_POLICY',
        { advice: /'wasm-unsafe-eval'/ })));
  }
  await using(small(), { threads: 1 }, async (m) => {
    assert.deepEqual([...(await m.run({ x })).y.data], wanted);
  });
});

test('a worker that dies ends its model, and no other', async () => {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const made = [];
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function post(message, ...more) {
    if (message.method === 'load') made.push(this);
    return postMessage.call(this, message, ...more);
  };
  try {
    const [dies, lives] = [await load(turning(), { shell: 'worker', threads: 1 }),
      await load(small(), { shell: 'worker', threads: 1 })];
    const pending = dies.run(turn(forever));
    made[0].terminate();
    await assert.rejects(pending, fails('ERR_INTERNAL', { message: /worker/ }));
    await assert.rejects(dies.run(turn(1n)), fails('ERR_INTERNAL'));
    assert.deepEqual([...(await lives.run({ x })).y.data], wanted);
    dies.close();
    lives.close();
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
});

test('a thread of an engine that dies ends its model, and no other', async (t) => {
  if (os.availableParallelism() < 2) {
    t.skip('threads are given no work where there is one processor');
    return;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ashore-dies-'));
  try {
    for (const name of fs.readdirSync(packageDir)) {
      if (/^[\w-]+\.(js|wasm|json)$/.test(name)) {
        fs.copyFileSync(path.join(packageDir, name), path.join(folder, name));
      }
    }
    fs.writeFileSync(path.join(folder, 'lame.wasm'),
      await withoutTable('ashore-relaxed-mt.wasm'));
    fs.writeFileSync(path.join(folder, 'worker.js'), `
      import fs from 'node:fs';
      import { threadName } from 'node:worker_threads';
      if (threadName !== 'ashore:engine') {
        const { Instance } = WebAssembly;
        const lame = new WebAssembly.Module(fs.readFileSync(new URL('lame.wasm', import.meta.url)));
        WebAssembly.Instance = function other(module, imports) { return new Instance(lame, imports); };
      }
      (await import('./ashore.js')).serve();`);
    const { load: loadLame } = await import(pathToFileURL(path.join(folder, 'index.js')));
    for (const shell of ['inline', 'worker']) {
      const m = await loadLame(product(), { threads: 3, variant: 'relaxed', shell });
      assert.equal(m.report.threads, 3);
      let end;
      for (let i = 0; i < 100 && !end; i++) { // until a thread has come to a tile
        end = await m.run({ x: square(1024) }).then(() => null, plainly);
      }
      assert.match(end, /^ERR_INTERNAL the engine stopped in advance/, shell);
      assert.match(await m.run({ x: square(2) }).then(() => '', plainly), /^ERR_INTERNAL/);
      m.close();
      await using(product(), { threads: 3, shell }, async (other) =>
        assert.equal((await other.run({ x: square(1024) })).y.data[0], 0));
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('the report counts what goes over', async () => {
  await using(small(), { shell: 'worker', threads: 1 }, async (m) => {
    const { traffic } = m.report;
    const { messages } = traffic;
    assert.deepEqual([traffic.bytesIn, traffic.bytesOut], [0, 0]);
    for (let i = 1; i <= 3; i++) {
      await m.run({ x });
      assert.deepEqual(traffic, { messages: messages + 2 * i, bytesIn: 16 * i, bytesOut: 16 * i });
    }
  });
  const { load: inline } = await part('inline.js');
  const m = await inline(small(), { threads: 1 });
  m.runSync({ x }, { views: true });
  assert.deepEqual(m.report.traffic, { messages: 0, bytesIn: 16, bytesOut: 0 });
  m.close();
});

test('views are of the engine\'s own thread, and refused by a worker', async () => {
  for (const threads of [1, 3]) {
    await using(gru(), { shell: 'worker', threads }, async (m) => {
      const { feeds, state } = recurrent.gru;
      const refused = fails('ERR_ARGUMENT', { message: /'views' is no option: signal/,
        advice: /`into` tensors over a SharedArrayBuffer, or load by 'ashore\/inline'/ });
      await assert.rejects(m.run({ ...feeds(0), h: zeros(1, 1, 8) }, { views: true }), refused);
      const stream = await m.stream({ state });
      await assert.rejects(stream.run(feeds(0), { views: true }), refused);
      await stream.run(feeds(0));
    });
  }
});

// ---- what is no input -----------------------------------------------------------------------------

for (const options of shells) {
  test(`inputs that are none, batches that are no list, ${title(options)}`, async () => {
    await using(small(), options, async (m) => {
      await assert.rejects(m.run(), fails('ERR_ARGUMENT', { message: /undefined/ }));
      await assert.rejects(m.runAll({ x }), fails('ERR_ARGUMENT', { message: /list/ }));
      await assert.rejects(m.predict({ q: [1] }), fails('ERR_NAME', { input: 'q' }));
      await assert.rejects(m.predict({ x: [1, 2, 3] }), fails('ERR_SHAPE', { input: 'x' }));
      assert.deepEqual([...(await m.run({ x })).y.data], wanted);
    });
  });
}

test('more threads than there can be are said', async () => {
  await using(small(), { threads: 99 }, (m) => {
    assert.equal(m.report.missing[0].feature, 'threads');
    assert.match(m.report.missing[0].cost, /on 16 of 99 threads/);
  });
  await assert.rejects(load(small(), { threads: 99, strict: true }), fails('ERR_UNSUPPORTED'));
});

test('modules from a folder by its path', async () => {
  await using(small(), { modules: `${packageDir}${path.sep}` }, async (m) => {
    assert.deepEqual([...(await m.run({ x })).y.data], wanted);
  });
});
