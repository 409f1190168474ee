/** `import 'ashore/figures'` brings Model.memory, Model.predict and Model.profile along, for places where
 *  nothing can be loaded later, as service workers; elsewhere they are loaded when they are called. */
export {};
