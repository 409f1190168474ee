/** `import 'ashore/streams'` brings Model.stream and Model.runAll along, for places where
 *  nothing can be loaded later, as service workers; elsewhere they are loaded when they are
 *  called. */
export {};
