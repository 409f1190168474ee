// Files that are dropped on the page or pasted into it.

// The input that a file is for: the one it is dropped on, one that wants such a file, the first.
function cardFor(cards, file, target) {
  const below = cards.find(({ element }) => element.contains(target));
  const wanting = cards.filter((card) => card.wants(file));
  return (below && wanting.includes(below) && below)
    || wanting.find(({ name }) => file.name.replace(/\.\w+$/, '') === name)
    || wanting.find((card) => !card.given()) || wanting[0];
}

/** Hands files to the cards that they are for; refuse(file): to none. */
export function receiveFiles(cards, refuse) {
  const receive = (files, target) => {
    for (const file of files) {
      const card = cardFor(cards(), file, target);
      if (card) card.take(file);
      else refuse(file);
    }
  };
  const over = (on) => document.documentElement.classList.toggle('over', on);
  addEventListener('dragover', (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) over(false);
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    over(false);
    receive(event.dataTransfer?.files ?? [], event.target);
  });
  addEventListener('paste', (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length) receive(files, event.target);
  });
}
