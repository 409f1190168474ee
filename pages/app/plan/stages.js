// How far the start of a page without Python is.
export const stages = [
  ['engine', 'Engine and model', 'Loading the model'],
  ['program', 'Program', 'Starting the program'],
];
