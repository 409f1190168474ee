export const openTf = () => { throw new Error('not yet'); };
