// A reporter for `node --test`: a line for each file when it has come to its end, with its path
// from the folder that Node was started in and, after a tab, `passed`, or what failed.
// scripts/test runs these once more, and those that no line is about.  Other events wait for the
// files before.
import path from 'node:path';

export default async function* toldFiles(events) {
  const failed = new Map();
  for await (const { type, data } of events) {
    if (type !== 'test:complete' || !data.file) continue;
    const isFile = data.nesting === 0 && path.resolve(data.name) === data.file;
    const names = failed.get(data.file) ?? [];
    failed.set(data.file, names);
    if (isFile) {
      const why = `failed (${names.join('; ') || 'as a whole'})`;
      yield `${path.relative('', data.file)}\t${data.details.passed ? 'passed' : why}\n`;
    } else if (!data.details.passed && data.todo === undefined
      && data.details.error?.failureType !== 'subtestsFailed') { // those are told themselves
      names.push(data.name.replace(/\s+/g, ' '));
    }
  }
}
