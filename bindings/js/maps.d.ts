/** `import 'ashore/maps'` brings along what models with maps need, for places where nothing can be loaded
 *  later, as service workers; elsewhere it is loaded when such a model is. */
export {};
