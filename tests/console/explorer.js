// The walk through the explorer, after the one through the files: each step named as what has to hold. They build on one another.

import assert from 'node:assert/strict';

import { startProgram } from '../clients/servers.js';
import { PASSWORD, cell } from './drive.js';
import { picture, text } from './pictures.js';
import { EMAIL } from './walk.js';

const query = (page) => page.getByRole('textbox', { name: 'Query' });
const variables = (page) => page.getByLabel('Variables, as JSON');
const answer = (page) => page.getByRole('tree', { name: 'Answer' });
const problems = (page) => page.getByRole('region', { name: 'Problems in the query' });
const button = (page, name) => page.getByRole('button', { name, exact: true }).locator('visible=true').first();

/** Puts a text into a field as if it had been pasted. */
async function write(page, field, words) {
  await field.focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  if (words) await page.keyboard.insertText(words);
}

async function example(page, name) {
  await button(page, 'Examples').click();
  await page.getByRole('menuitem', { name }).click();
}

/** What the answer is, as it would be copied. */
async function copied(page) {
  await button(page, 'Copy').click();
  await button(page, 'Copied').waitFor();
  return JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
}

/** The underlined parts of the query. */
const marked = (page) => page.locator('.query-pane .mark').allTextContents();

/** Sends something as whoever is signed in, past the page. */
const past = (page, body, name) =>
  page.evaluate(
    async ([sent, upload]) => {
      const { token } = JSON.parse(sessionStorage.getItem('strongroom.session'));
      const form = new FormData();
      form.append('operations', sent);
      form.append('map', upload ? '{"0":["variables.input.file"]}' : '{}');
      if (upload)
        form.append('0', new Blob([Uint8Array.from(atob(upload.bytes), (letter) => letter.charCodeAt(0))]), upload.name);
      const headers = { Authorization: `Bearer ${token}`, ...(upload ? {} : { 'Content-Type': 'application/json' }) };
      await fetch('/graphql', { method: 'POST', headers, body: upload ? form : sent });
    },
    [JSON.stringify(body), name],
  );

/** Each step gets the server, the page, and what the browser has complained of. */
export const steps = {
  async signed_out_the_explorer_runs_what_needs_no_token({ page, server, screens }) {
    await page.goto(`${server.url}/#/explorer`);
    await page.getByText('Runs without a token.').waitFor();
    await page.keyboard.press('Control+Enter');
    assert.equal(await answer(page).count(), 0, 'nothing runs before somebody is in the explorer');
    await button(page, 'Run').click();
    await answer(page).getByText('"uploadBytes"').waitFor();
    assert.equal((await copied(page)).data.limits.uploadBytes, 1_000_000);
    await screens(page, 'explorer-signed-out');
  },

  async whoever_logs_in_from_the_explorer_comes_back_to_it({ page }) {
    await write(page, query(page), '{ viewer { email } }');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.fill('#email', EMAIL);
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await page.getByText(`Runs as ${EMAIL}`).waitFor();
    assert.equal(await query(page).inputValue(), '{ viewer { email } }');
    await button(page, 'Run').click();
    await answer(page).getByText(`"${EMAIL}"`).waitFor();
  },

  async the_address_leads_back_and_forth({ page }) {
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.waitForSelector('#drive:not([hidden])');
    await cell(page, 'renamed').waitFor();
    await page.goBack();
    await query(page).waitFor();
    await page.goForward();
    await cell(page, 'renamed').waitFor();
    await page.getByRole('link', { name: 'Explorer', exact: true }).click();
    await query(page).waitFor();
    assert.equal(await query(page).inputValue(), '{ viewer { email } }');
  },

  async a_query_runs_with_variables_by_the_keyboard_alone({ page }) {
    await write(
      page,
      query(page),
      'query Some($first: Int!) {\n  files(first: $first, orderBy: { field: NAME, direction: ASC }) { nodes { name } }\n}',
    );
    await page
      .getByRole('region', { name: 'Problems in the variables' })
      .getByText('“$first” of type Int! is missing.')
      .waitFor();
    // Tab leads from one field to the next, past what is between them.
    for (let tabs = 0; !(await variables(page).evaluate((field) => field === document.activeElement)); tabs++) {
      assert.ok(tabs < 8, 'Tab does not lead to the variables');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.type('{"first": 2');
    await page.keyboard.press('Control+Enter');
    await answer(page).getByText('"nodes"').waitFor();
    assert.equal((await copied(page)).data.files.nodes.length, 2);
  },

  async an_answer_folds_with_the_arrow_keys({ page }) {
    await answer(page).getByRole('treeitem').first().focus();
    const count = await answer(page).getByRole('treeitem').count();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await answer(page).getByText('… 1 field').waitFor();
    assert.ok((await answer(page).getByRole('treeitem').count()) < count);
    await page.keyboard.press('ArrowRight');
    assert.equal(await answer(page).getByRole('treeitem').count(), count);
  },

  async fields_arguments_and_values_are_completed_by_the_keyboard({ page, accessible }) {
    await write(page, query(page), '');
    await page.keyboard.type('{');
    await page.keyboard.press('Enter');
    await page.keyboard.type('fil');
    const option = (name) => page.getByRole('option', { name });
    await option('files FileConnection').waitFor();
    await accessible(page);
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.locator('[role=option][aria-selected=true] .label').textContent(), 'files');
    await page.keyboard.press('Enter');
    // What has fields gets brackets, and goes on with them.
    await option('nodes').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await query(page).inputValue(), '{\n  files {\n    \n  }\n}');
    await page.keyboard.type('tot');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('End');
    for (let steps = 0; steps < 2; steps++) await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('(orderBy: { fie');
    await page.keyboard.press('Enter');
    await option('CREATED_AT').waitFor();
    await page.keyboard.type('SI');
    await page.keyboard.press('Enter');
    assert.match(await query(page).inputValue(), /files\(orderBy: \{ field: SIZE/);
    await page.keyboard.type(', ');
    await page.keyboard.press('Control+Space');
    await option('direction').waitFor();
    await page.keyboard.press('Escape');
    // What was put in is undone like what was typed.
    for (let undone = 0; undone < 3; undone++) await page.keyboard.press('Control+Z');
    assert.doesNotMatch(await query(page).inputValue(), /SIZE/);
  },

  async an_unknown_field_is_marked_and_listed_at_its_place({ page, accessible }) {
    await write(page, query(page), 'query {\n  viewer {\n    emial\n  }\n}');
    const problem = problems(page).getByRole('button', { name: '3:5 There is no field “emial” on User. Did you mean “email”?' });
    await problem.waitFor();
    assert.deepEqual(await marked(page), ['emial']);
    await accessible(page);
    await problem.click();
    assert.equal(await query(page).evaluate((field) => field.value.slice(field.selectionStart, field.selectionEnd)), 'emial');
    await page.keyboard.type('email');
    await problems(page).waitFor({ state: 'hidden' });
    assert.deepEqual(await marked(page), []);
  },

  async a_mistake_that_the_server_finds_is_marked_at_its_place({ page, screens }) {
    await write(
      page,
      query(page),
      '# The first one is not sent.\nquery One { viewer { id } }\n\nquery Many {\n  files(first: 100000) { totalCount }\n}',
    );
    await page.keyboard.press('Control+Enter');
    const errors = page.getByRole('list', { name: 'Errors' });
    await errors.getByText('at files').waitFor();
    const place = errors.getByRole('button', { name: /^line 5, column \d+$/ });
    await problems(page).getByText('The server: ').waitFor();
    assert.equal((await marked(page)).length, 1);
    await screens(page, 'explorer-errors');
    await place.click();
    assert.equal(await query(page).evaluate((field) => field.value.slice(0, field.selectionStart).split('\n').length), 5);
  },

  async a_mistake_that_the_server_finds_too_is_listed_once({ page, notes }) {
    const cases = [
      ['{ viewer { emial } files(first: "x") { totalCount } }', 2],
      ['query A($first: Itn) { files(first: $first) { totalCount } }', 1],
      ['{ viewer { email }', 1],
    ];
    for (const [words, count] of cases) {
      await write(page, query(page), words);
      await page.keyboard.press('Control+Enter');
      await page.getByRole('list', { name: 'Errors' }).waitFor();
      await button(page, 'Run').waitFor();
      await problems(page).waitFor();
      assert.equal(await problems(page).getByRole('button').count(), count, words);
      assert.equal(await problems(page).getByText('The server: ').count(), 0, words);
      await write(page, query(page), '{ limits { pageSize } }');
      await page.keyboard.press('Control+Enter');
      await answer(page).getByText('"pageSize"').waitFor();
    }
    // In the variables, it is not listed with the query as well.
    await write(page, query(page), 'query A($first: Int) { files(first: $first) { totalCount } }');
    await write(page, variables(page), '{"first": "1"}');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('list', { name: 'Errors' }).waitFor();
    await page.getByRole('region', { name: 'Problems in the variables' }).getByText('It has to be Int, not a string.').waitFor();
    assert.ok(await problems(page).isHidden());
    await write(page, variables(page), '');
    // The browser notes by itself that a document was refused.
    assert.deepEqual(notes.splice(0).filter((note) => !note.includes('status of 400')), []);
  },

  async what_is_opened_covers_neither_the_query_nor_the_answer({ page }) {
    const box = (name) => page.locator(name).boundingBox();
    const apart = (one, other) =>
      one.x + one.width <= other.x + 1 ||
      other.x + other.width <= one.x + 1 ||
      one.y + one.height <= other.y + 1 ||
      other.y + other.height <= one.y + 1;
    await page.setViewportSize({ width: 768, height: 1024 });
    for (const name of ['Docs', 'History']) {
      if ((await button(page, name).getAttribute('aria-pressed')) === 'false') await button(page, name).click();
      const [side, ...others] = await Promise.all(['.explorer-side', '.query-pane', '.answer-pane'].map(box));
      for (const other of others) assert.ok(other.height > 150 && apart(side, other), `${name}: ${JSON.stringify([side, other])}`);
    }
    await button(page, 'History').click();
    for (const [width, height, panes] of [
      [768, 1024, ['.query-pane', '.answer-pane']],
      [390, 844, ['.query-pane']],
    ]) {
      await page.setViewportSize({ width, height });
      await page.click('#panel-toggle');
      const [panel, ...others] = await Promise.all(['#panel', ...panes].map(box));
      for (const other of others) assert.ok(other.height > 100 && apart(panel, other), JSON.stringify([panel, other]));
      await page.click('#panel-toggle');
    }
    // A notice, which may stay until it is closed, is not over what somebody writes either.
    for (const [width, height] of [[390, 844], [768, 1024], [1440, 900]]) {
      await page.setViewportSize({ width, height });
      await write(page, query(page), '{');
      await button(page, 'Prettify').click();
      const notice = page.locator('.notice', { hasText: 'The query has a mistake in its syntax.' });
      await notice.waitFor();
      await page.waitForFunction(() => parseFloat(getComputedStyle(document.body).paddingBottom) > 60);
      const list = await box('.notices');
      for (const other of await page.locator('.code-frame:visible').all())
        assert.ok(apart(list, await other.boundingBox()), `${width}`);
      await notice.getByRole('button', { name: 'Close' }).click();
    }
    await button(page, 'Docs').click();
  },

  async an_upload_without_its_file_is_not_sent_and_says_where_to_choose_it({ page }) {
    const sent = [];
    const note = (request) => request.url().endsWith('/graphql') && sent.push(request.postData());
    await example(page, 'Upload a file');
    page.on('request', note);
    await button(page, 'Run').click();
    const row = page.locator('.files-to-send li');
    await row.getByText('Choose a file first. Nothing has been sent.').waitFor();
    assert.ok(await row.getByRole('button', { name: 'Choose a file…' }).evaluate((pick) => pick === document.activeElement));
    page.off('request', note);
    assert.deepEqual(sent, []);
    assert.equal(await page.getByText('“file” of type Upload! is missing.').count(), 0, 'it is said twice');
  },

  async variables_that_are_no_json_are_not_sent_and_the_answer_says_so({ page }) {
    await write(page, query(page), '{ limits { pageSize } }');
    await write(page, variables(page), '{"first":1,}');
    await button(page, 'Run').click();
    await page.locator('.answer-pane').getByText('Nothing has been sent: the variables are no JSON object.').waitFor();
    assert.ok(await variables(page).evaluate((field) => field === document.activeElement));
    await write(page, variables(page), '');
  },

  async a_file_is_picked_for_an_input_and_lands_among_the_files({ page, accessible }) {
    await example(page, 'Upload a file');
    await page.getByText('“file” of type Upload! is missing.').waitFor();
    await page.locator('input[data-place="input.file"]').setInputFiles(text('from the explorer.txt', 'sent by hand'));
    await page.getByText('from the explorer.txt').waitFor();
    assert.equal(await page.getByText('“file” of type Upload! is missing.').count(), 0);
    await accessible(page);
    await button(page, 'Run').click();
    await answer(page).getByText('"from the explorer.txt"').waitFor();
    await page.click('#panel-toggle');
    await page.locator('.panel summary', { hasText: 'Upload' }).first().click();
    await page.locator('.panel li').first().getByText('variables.input.file').waitFor();
    await page.click('#panel-toggle');
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await cell(page, 'from the explorer.txt').waitFor();
    await page.getByRole('link', { name: 'Explorer', exact: true }).click();
  },

  async a_file_that_is_dropped_goes_where_there_is_room_for_one({ page }) {
    await page.locator('.query-pane').evaluate((pane) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['dropped'], 'dropped on it.txt', { type: 'text/plain' }));
      for (const type of ['dragover', 'drop']) pane.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
    });
    await page.getByRole('list', { name: 'Files' }).getByText('dropped on it.txt').waitFor();
    await button(page, 'Remove dropped on it.txt').click();
  },

  async several_files_go_into_one_list({ page }) {
    await write(
      page,
      query(page),
      'mutation($input: UploadManyInput!) { uploadMany(input: $input) { results { file { name } } } }',
    );
    await write(page, variables(page), '{}');
    await page.locator('input[data-place="input.files.*.file"]').setInputFiles([text('one.txt', '1'), text('two.txt', '2')]);
    await page.locator('#explorer').getByText('2 files', { exact: true }).waitFor();
    await button(page, 'Run').click();
    await answer(page).getByText('"two.txt"').waitFor();
  },

  async an_upload_is_cancelled({ page }) {
    await page.context().route('**/graphql', () => {}, { times: 1 });
    await button(page, 'Run').click();
    await button(page, 'Cancel').click();
    await page.getByText('Cancelled.', { exact: true }).waitFor();
    await button(page, 'Run').waitFor();
  },

  async a_subscription_lists_its_events_until_it_is_stopped({ page, screens }) {
    await example(page, 'Listen to thumbnails');
    await button(page, 'Run').click();
    await page.getByText('Listening. Nothing yet.').waitFor();
    const acknowledged = page.getByText('Listening. 1 event.');
    const { name, buffer } = picture('for the listener.png', 64, 48, 3);
    await past(
      page,
      { query: 'mutation($input: UploadInput!) { upload(input: $input) { file { id } } }', variables: { input: { file: null } } },
      { name, bytes: buffer.toString('base64') },
    );
    await acknowledged.waitFor();
    await page.getByRole('tree', { name: 'Event 1' }).getByText('"for the listener.png"').waitFor();
    await screens(page, 'explorer-events');
    await button(page, 'Stop').click();
    await page.getByText('Stopped. 1 event.').waitFor();
  },

  async the_documentation_is_browsed_and_searched({ page, screens }) {
    await write(page, query(page), '{\n  viewer {\n    \n  }\n}');
    await query(page).evaluate((field) => field.setSelectionRange(17, 17));
    await page.getByLabel('Search types and fields').fill('thumbnailst');
    await button(page, 'File.thumbnailStatus').click();
    await page.getByText('Null unless the file is an image.').waitFor();
    await button(page, 'ThumbnailStatus').click();
    await page.getByText('Waiting for a worker').waitFor();
    await page.getByRole('navigation', { name: 'Where in the schema' }).getByRole('button', { name: 'Schema' }).click();
    await button(page, 'User').click();
    await page.getByRole('button', { name: 'Put email into the query' }).click();
    assert.equal(await query(page).inputValue(), '{\n  viewer {\n    email\n  }\n}');
    await screens(page, 'explorer-docs');
    await query(page).focus();
    await query(page).evaluate((field) => field.setSelectionRange(6, 6));
    await page.keyboard.press('F1');
    await page.getByText('Who is asking.').waitFor();
  },

  async a_document_is_laid_out_and_that_can_be_undone({ page }) {
    const before = '{viewer{id # mine\nemail}}';
    await write(page, query(page), before);
    await page.keyboard.press('Control+Shift+P');
    assert.equal(await query(page).inputValue(), '{\n  viewer {\n    id # mine\n    email\n  }\n}\n');
    await page.keyboard.press('Control+Z');
    assert.equal(await query(page).inputValue(), before);
  },

  async the_variables_are_laid_out_with_the_query_and_stay_as_they_are_if_they_are_no_json({ page }) {
    await write(page, query(page), 'query($first:Int){files(first:$first){totalCount}}');
    await write(page, variables(page), '{"first":1e1,"list":[]}');
    await button(page, 'Prettify').click();
    assert.equal(await variables(page).inputValue(), '{\n  "first": 1e1,\n  "list": []\n}');
    assert.match(await query(page).inputValue(), /^query\(\$first: Int\) \{\n/);
    await write(page, variables(page), '{"first":1,}');
    await button(page, 'Prettify').click();
    assert.equal(await variables(page).inputValue(), '{"first":1,}');
  },

  async what_is_very_long_is_shown_and_not_kept({ page }) {
    await variables(page).fill(JSON.stringify({ list: Array.from({ length: 20_000 }, (_, id) => ({ id, three: [1, 2, 3] })) }));
    await page.reload();
    // What was kept is what was there before.
    assert.ok((await variables(page).inputValue()).length < 10_000);
    await write(page, query(page), '{ limits { pageSize } }');
    await write(page, variables(page), '{}');
    await button(page, 'Run').click();
    await answer(page).getByText('pageSize').waitFor();
  },

  async history_brings_back_what_ran_before_a_reload_and_holds_no_password({ page, screens }) {
    await example(page, 'Log in');
    await write(page, variables(page), JSON.stringify({ input: { email: EMAIL, password: PASSWORD } }));
    await button(page, 'Run').click();
    await answer(page).getByText('"expiresAt"').waitFor();
    const { data } = await copied(page);
    await write(page, query(page), 'query Draft { viewer { id } }');
    await page.reload();
    await page.getByText(`Runs as ${EMAIL}`).waitFor();
    assert.equal(await query(page).inputValue(), 'query Draft { viewer { id } }');
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!kept.includes(PASSWORD) && !kept.includes(data.login.token), kept);
    await button(page, 'History').click();
    const rows = page.getByRole('list', { name: 'History' }).getByRole('listitem');
    // What was run, with what, when, and how it ended.
    assert.match(await rows.first().innerText(), /^mutation\s+Login\s+login\(input.*\s+input: \{"email":"ada.*\s+\d\d:\d\d:\d\d · done$/);
    await rows.filter({ hasText: 'Some' }).filter({ hasText: 'first: 2' }).first().waitFor();
    await rows.filter({ hasText: '2 errors' }).first().waitFor();
    await rows.filter({ hasText: 'subscription' }).filter({ hasText: '1 event' }).first().waitFor();
    await screens(page, 'explorer-history');
    await page
      .getByRole('list', { name: 'History' })
      .getByRole('button', { name: /^mutation Login/ })
      .first()
      .click();
    assert.match(await query(page).inputValue(), /login\(input: \$input\)/);
    assert.deepEqual(JSON.parse(await variables(page).inputValue()), { input: { email: EMAIL, password: '' } });
    await button(page, 'Docs').click();
  },

  async at_200_percent_nothing_is_cut_off({ page, accessible }) {
    await page.setViewportSize({ width: 720, height: 450 });
    for (const name of ['Variables', 'Answer', 'Docs', 'History', 'Query']) {
      await page.getByRole('group', { name: 'What to show' }).getByRole('button', { name }).click();
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name} is ${wide} too wide`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  },

  async a_large_answer_does_not_hold_up_the_page({ page }) {
    const rows = Array.from({ length: 60_000 }, (_, index) => ({ id: index, name: `file ${index}` }));
    await page.context().route('**/graphql', (route) => route.fulfill({ json: { data: { rows } } }), { times: 1 });
    await write(page, query(page), '{ viewer { id } }');
    await button(page, 'Run').click();
    await page.getByText('"file 100"').waitFor();
    const lines = () => page.locator('.tree-line').count();
    assert.equal(await lines(), 1_000);
    await button(page, 'Show more').click();
    assert.equal(await lines(), 2_000);
  },

  async a_session_that_has_ended_loses_nothing_of_what_was_written({ page, notes }) {
    const words = 'query Mine { files { totalCount } }';
    await write(page, query(page), words);
    await past(page, { query: 'mutation { logout { userErrors { code } } }' });
    await page.locator('#sign-in-error', { hasText: 'Your session has ended. Log in again' }).waitFor();
    assert.ok(await page.locator('#explorer').isHidden());
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await query(page).waitFor();
    assert.equal(await query(page).inputValue(), words);
    await button(page, 'Run').click();
    await answer(page).getByText('"totalCount"').waitFor();
    const others = notes.splice(0).filter((note) => !note.includes('401'));
    assert.deepEqual(others, []);
  },

  async whoever_has_to_log_in_again_may_look_at_the_explorer_first({ page, notes }) {
    await past(page, { query: 'mutation { logout { userErrors { code } } }' });
    await page.locator('#sign-in-error', { hasText: 'Your session has ended. Log in again' }).waitFor();
    await page.getByRole('link', { name: 'Explorer', exact: true }).first().click();
    await page.getByText('Runs without a token.').waitFor();
    await page.getByText('The answer appears here.').waitFor();
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.fill('#password', PASSWORD);
    await page.click('#sign-in-button');
    await page.getByText(`Runs as ${EMAIL}`).waitFor();
    await button(page, 'Run').click();
    await answer(page).getByText('"totalCount"').waitFor();
    assert.deepEqual(notes.splice(0).filter((note) => !note.includes('401')), []);
  },

  async logging_out_takes_the_answer_away({ page }) {
    await page.click('#account');
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByText('Runs without a token.').waitFor();
    await page.getByText('The answer appears here.').waitFor();
  },

  async graphiql_is_there_only_where_somebody_asked_for_it({ server }) {
    assert.equal((await fetch(`${server.url}/graphiql`)).status, 404);
    for (const [mode, status] of [
      ['development', 200],
      ['production', 404],
    ]) {
      const other = await startProgram({ settings: { 'server.graphiql': true, 'server.mode': mode } });
      const page = await fetch(`${other.url}/graphiql`);
      assert.equal(page.status, status);
      if (status === 200) {
        assert.match(
          page.headers.get('content-security-policy'),
          /script-src 'self' https:\/\/cdn\.jsdelivr\.net\/npm\/graphiql@[\d.]+\//,
        );
        assert.match(await page.text(), /loaded from the CDN/);
        assert.equal(
          (await fetch(`${other.url}/graphiql/start.js`)).headers.get('content-type'),
          'text/javascript; charset=utf-8',
        );
      }
      await other.end();
    }
  },
};
