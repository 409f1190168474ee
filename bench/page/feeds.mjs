const arrays = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array,
  bool: Uint8Array };

/** [{ name, type, dims, data }] of a contender's inputs; read(file) gives bytes. */
export const readFeeds = (feeds, read) => Promise.all(feeds.map(async ({ file, ...feed }) => {
  const bytes = await read(file);
  return { ...feed, data: new arrays[feed.type](bytes.buffer) };
}));
