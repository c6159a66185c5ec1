// Numbers, dates and failures, in words.

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
/** Whole numbers, and those with one digit behind the point. Made once: a grid that scrolls writes many. */
const [whole, tenths] = [0, 1].map((digits) => new Intl.NumberFormat('en-GB', { maximumFractionDigits: digits }));

/** A number of bytes, e.g. "2.4 MB". */
export function bytes(count) {
  if (count === 1) return '1 byte';
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${(unit > 0 && value < 9.95 ? tenths : whole).format(value)} ${units[unit]}`;
}

/** "1 file", "3,000 files". */
export const plural = (count, one, many = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : many}`;

const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' });
const short = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** An instant, with its time. */
export const dateAndTime = (instant) => full.format(new Date(instant));

/** An instant, by its day. */
export const date = (instant) => short.format(new Date(instant));

/** Seconds that something will still take, roughly. */
export function duration(seconds) {
  if (seconds < 60) return plural(Math.max(1, Math.round(seconds)), 'second');
  if (seconds < 3600) return plural(Math.round(seconds / 60), 'minute');
  return plural(Math.round(seconds / 3600), 'hour');
}

/** A text that somebody else made up, as far as there is room for it. */
export const shortened = (text, most = 60) => ([...text].length > most ? `${[...text].slice(0, most).join('')}…` : text);

/** A name with what would be unseen, or turn round what is seen, written out: the server has not looked at it yet. */
export const visible = (name) =>
  name.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (letter) =>
    `‹U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}›`);

/** What a file is, in a word or two. */
export function kindOf(file) {
  if (file.kind === 'FOLDER') return 'Folder';
  const [type, subtype = ''] = (file.mediaType ?? '').split(';')[0].split('/');
  if (file.kind === 'IMAGE') return `${subtype.toUpperCase()} image`;
  return { video: 'Video', audio: 'Audio', text: 'Text' }[type] ?? (subtype === 'pdf' ? 'PDF' : 'File');
}

/** A failure as a sentence that says what to do. Codes that are the user's to put right bring a message that does. */
export function sentence(error) {
  switch (error.code) {
    case 'NETWORK':
      return 'The server cannot be reached. Check the connection, then try again.';
    case 'UNAUTHENTICATED':
      return 'Your session has ended. Log in again to go on.';
    case 'NOT_FOUND':
      return 'It is no longer there. Somebody may have deleted it meanwhile.';
    case 'RATE_LIMITED':
      return `Too many requests. Try again in ${duration(error.retryAfter ?? 5)}.`;
    case 'SERVICE_UNAVAILABLE':
      return 'The server is busy or something it needs is down. Try again in a moment.';
    case 'INTERNAL_SERVER_ERROR':
      return `Something went wrong in the server. Try again; if it stays so, ${
        error.requestId ? `report the request ${error.requestId}` : 'tell whoever runs it'
      }.`;
    case 'STORAGE_FULL':
      return 'The server has no room left. Delete something, or ask whoever runs it for more.';
    case 'REGISTRATION_CLOSED':
      return 'This server takes no new accounts by itself. Ask whoever runs it for one.';
    default:
      return error.message || 'That did not work. Try again.';
  }
}
