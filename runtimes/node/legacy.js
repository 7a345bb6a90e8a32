'use strict';
// Google's events of the older form, and today's, each made of the other, as the functions framework has it.

const PUBSUB = 'pubsub.googleapis.com';
const STORAGE = 'storage.googleapis.com';
const FIRESTORE = 'firestore.googleapis.com';
const FIREBASE = 'firebase.googleapis.com';
const DATABASE = 'firebasedatabase.googleapis.com';
const AUTH = 'firebaseauth.googleapis.com';
const MESSAGE = 'type.googleapis.com/google.pubsub.v1.PubsubMessage';

const CHANGES = { write: 'written', create: 'created', update: 'updated', delete: 'deleted' };
const STORED = { finalize: 'finalized', delete: 'deleted', archive: 'archived', metadataUpdate: 'metadataUpdated' };
/** How older types begin and today's, by their last words; the service; how a resource falls into what the source names and the subject. */
const KINDS = [
  ['google.pubsub.topic.', 'google.cloud.pubsub.topic.v1.', { publish: 'messagePublished' }, PUBSUB],
  ['google.storage.object.', 'google.cloud.storage.object.v1.', STORED, STORAGE, /^(projects\/[^/]\/buckets\/[^/]+)\/(objects\/.+)$/],
  ['providers/cloud.firestore/eventTypes/document.', 'google.cloud.firestore.document.v1.', CHANGES, FIRESTORE, /^(projects\/[^/]+\/databases\/\(default\))\/(documents\/.+)$/],
  ['providers/firebase.auth/eventTypes/user.', 'google.firebase.auth.user.v1.', { create: 'created', delete: 'deleted' }, AUTH],
  ['providers/google.firebase.analytics/eventTypes/event.', 'google.firebase.analytics.log.v1.', { log: 'written' }, FIREBASE, /^(projects\/[^/]+)\/(events\/[^/]+)$/],
  ['providers/google.firebase.database/eventTypes/ref.', 'google.firebase.database.ref.v1.', CHANGES, DATABASE, /^projects\/[^/]\/(instances\/[^/]+)\/(refs\/.+)$/],
];
/** Two still older names of the same. */
const NEWER = new Map([
  ['providers/cloud.storage/eventTypes/object.change', { type: 'google.cloud.storage.object.v1.finalized', service: STORAGE }],
  ['providers/cloud.pubsub/eventTypes/topic.publish', { type: 'google.cloud.pubsub.topic.v1.messagePublished', service: PUBSUB }],
]);
const OLDER = new Map();
const RESOURCES = new Map();
for (const [older, newer, words, service, resource] of KINDS) {
  if (resource !== undefined) RESOURCES.set(service, resource);
  for (const [one, other] of Object.entries(words)) {
    NEWER.set(older + one, { type: newer + other, service });
    OLDER.set(newer + other, older + one);
  }
}
/** Of the metadata of auth's events: older name, today's. */
const TIMES = [['createdAt', 'createTime'], ['lastSignedInAt', 'lastSignInTime']];

/** An event that looks like one of Google's and does not have its form. */
class NotConvertible extends Error {
  constructor(message) {
    super(message);
    this.status = 400;
  }
}

/** What Pub/Sub itself posts, as an event of the older form; its topic may be in the path. Anything else as it is. */
function unpushed(body, path) {
  const { context, subscription, message } = body;
  if (context || !subscription || !message?.data || !message.messageId) return body;
  const name = /projects\/[^/?]+\/topics\/[^/?]+/.exec(path)?.[0] ?? null;
  return {
    context: {
      eventId: message.messageId,
      timestamp: message.publishTime || new Date().toISOString(),
      eventType: 'google.pubsub.topic.publish',
      resource: { service: PUBSUB, type: MESSAGE, name },
    },
    data: { '@type': MESSAGE, data: message.data, attributes: message.attributes || {} },
  };
}

/** An event of the older form as today's; anything else as it is. */
function cloudEventOf(body) {
  const { context = body } = body;
  const newer = NEWER.get(context?.eventType);
  if (newer === undefined || !('data' in body) || !('resource' in context)) return body;
  const { service, resource, subject } = split(context, newer.service);
  const { data, ...attributes } = { data: body.data, id: context.eventId, time: context.timestamp, specversion: '1.0', datacontenttype: 'application/json', type: newer.type };
  const place = service === DATABASE ? `projects/_/locations/${location(body.domain)}/` : '';
  const uid = service === AUTH && data?.metadata && 'uid' in data ? `users/${data.uid}` : subject;
  const event = { ...attributes, source: `//${service}/${place}${resource}`, data: newerData(service, data, context) };
  return uid ? { ...event, subject: uid } : event;
}

function split({ resource: given }, usual) {
  const resource = typeof given === 'string' ? given : given?.name ?? '';
  const service = given?.service || usual;
  const form = RESOURCES.get(service);
  if (form === undefined) return { service, resource, subject: '' };
  const found = form.exec(resource);
  if (found === null) throw new NotConvertible('the resource does not have the form of its service');
  return { service, resource: found[1], subject: found[2] };
}

function location(domain) {
  if (domain === 'firebaseio.com') return 'us-central1';
  const found = /^([\w-]+)\.firebasedatabase\.app$/.exec(domain ?? '');
  if (found === null) throw new NotConvertible('the event has no domain of a database');
  return found[1];
}

function newerData(service, data, { eventId, timestamp }) {
  if (service === PUBSUB) return { message: { ...data, publishTime: data?.publishTime || timestamp, messageId: data?.messageId || eventId } };
  return service === AUTH ? renamed(data, TIMES) : data;
}

function renamed(data, names) {
  if (!data?.metadata) return data;
  const words = new Map(names);
  return { ...data, metadata: Object.fromEntries(Object.entries(data.metadata).map(([name, value]) => [words.get(name) ?? name, value])) };
}

/** Today's event as one of the older form, if it is Google's; of any other the attributes are the context. */
function backgroundOf({ data, ...context }) {
  const eventType = OLDER.get(context.type);
  if (eventType === undefined) return { data, context };
  const found = /\/\/([^/]+)\/(.+)/.exec(context.source);
  if (found === null) throw new NotConvertible('the source names no service');
  const [, service, name] = found;
  const whole = `${name}/${context.subject}`;
  const resource = {
    [PUBSUB]: { service, name, type: MESSAGE },
    [AUTH]: name,
    [DATABASE]: whole.replace(/\/locations\/[^/]+/, ''),
    [STORAGE]: { name: whole, service, type: data?.kind },
  }[service] ?? whole;
  return { data: olderData(service, data), context: { eventId: context.id, timestamp: context.time, eventType, resource } };
}

function olderData(service, data) {
  if (service === AUTH) return renamed(data, TIMES.map(([older, newer]) => [newer, older]));
  if (service !== PUBSUB || data === null || typeof data !== 'object') return data;
  const { messageId, publishTime, ...rest } = 'message' in data ? data.message : data;
  return rest;
}

module.exports = { unpushed, cloudEventOf, backgroundOf };
