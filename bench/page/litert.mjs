export const openLite = () => { throw new Error('not yet'); };
