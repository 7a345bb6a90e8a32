'use strict';
// Media types: the few that handlers name by an ending, and the words of a Content-Type header.

const TYPES = {
  html: 'text/html', htm: 'text/html', txt: 'text/plain', text: 'text/plain', css: 'text/css', csv: 'text/csv',
  md: 'text/markdown', js: 'text/javascript', mjs: 'text/javascript', json: 'application/json', xml: 'application/xml',
  bin: 'application/octet-stream', pdf: 'application/pdf', zip: 'application/zip', gz: 'application/gzip',
  tar: 'application/x-tar', wasm: 'application/wasm', yaml: 'text/yaml', yml: 'text/yaml', png: 'image/png',
  jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', svg: 'image/svg+xml', webp: 'image/webp', avif: 'image/avif',
  ico: 'image/vnd.microsoft.icon', mp3: 'audio/mpeg', mp4: 'video/mp4', webm: 'video/webm', woff: 'font/woff', woff2: 'font/woff2',
  ttf: 'font/ttf', ics: 'text/calendar', jsonld: 'application/ld+json', rtf: 'application/rtf', urlencoded: 'application/x-www-form-urlencoded',
};
const UTF8 = /^text\/|^application\/(json|javascript|manifest\+json)$|\+json$/;

/** By an ending, with the character set that goes with it; null for one that is not known. */
function byEnding(ending) {
  const type = TYPES[ending.toLowerCase().replace(/^.*\./, '')];
  if (type === undefined) return null;
  return UTF8.test(type) ? `${type}; charset=utf-8` : type;
}

/** `text/html; charset="x"` is { type: 'text/html', charset: 'x' }; what is no media type has type ''. */
function parse(header) {
  const [, type = '', rest = ''] = /^\s*([!#$%&'*+\-.^_`|~\w]+\/[!#$%&'*+\-.^_`|~\w]+)\s*(?:;(.*))?$/s.exec(header ?? '') ?? [];
  const [, charset] = /(?:^|;)\s*charset\s*=\s*"?([^";\s]+)/i.exec(rest) ?? [];
  return { type: type.toLowerCase(), charset: charset?.toLowerCase() };
}

function withUtf8(header) {
  const { type } = parse(header);
  if (type === '') return header;
  const words = header.split(';').slice(1).map((part) => part.trim()).filter(Boolean);
  const at = words.findIndex((word) => /^charset\s*=/i.test(word));
  words.splice(at < 0 ? words.length : at, at < 0 ? 0 : 1, 'charset=utf-8');
  return [type, ...words].join('; ');
}

module.exports = { byEnding, parse, withUtf8, TYPES };
