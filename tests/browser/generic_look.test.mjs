// The page for any model: names, roles, contrast, sizes, in both schemes, wide and narrow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults } from './faults.mjs';
import { card, done, draw, open, png, run } from './generic_page.mjs';

for (const [colorScheme, width] of [['light', 1200], ['dark', 320]]) {
  test(`${colorScheme} and ${width} wide: contrast, names, no scrolling to the side`, async () => {
    const picture = await draw(32, 24, { red: [0, 0, 16, 24], white: [16, 0, 16, 24] });
    for (const name of ['pictures', 'tabular']) {
      const { page } = await open(name, { colorScheme, viewport: { width, height: 700 } });
      if (name === 'pictures') await card(page, 'image').locator('input[type=file]').first()
        .setInputFiles(png(picture));
      else await run(page);
      await done(page);
      for (const summary of await page.$$('summary')) {
        if (await summary.isVisible()) await summary.click();
      }
      const found = await page.evaluate(faults);
      assert.deepEqual([found.pale, found.unnamed, found.small, Math.max(0, found.over)],
        [[], [], [], 0]);
      assert.ok(found.texts > 20);
      await page.close();
    }
  });
}
