// How the workers of this package start: by what the page has loaded already, which a worker of its own
// would make one more request of.

// Where trusted types are required, this policy lets the address of the package's file pass, and nothing
// else.
let policy;
function address() {
  const url = new URL('./ashore.js', import.meta.url);
  try {
    policy ??= globalThis.trustedTypes?.createPolicy('ashore', { createScriptURL: () => url.href });
  } catch { /* the page allows other policies alone; perhaps it does not require them */ }
  return policy?.createScriptURL('') ?? url;
}

export const startEngine = (name) => new Worker(address(), { type: 'module', name });

export const startMember = startEngine;
