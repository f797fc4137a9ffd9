// better-sqlite3, built on the injected sqlite3.c (tools/build_better_sqlite3): what its users do with it, printed as JSON.
//
//   node ledger.js PACKAGE ADDON FILE
//
// STRATA_WAL=1 in the environment makes Strata's the log of a database in WAL mode.
'use strict';
const fs = require('fs');
const { Worker, isMainThread, workerData } = require('worker_threads');

const [pack, nativeBinding, file] = isMainThread ? process.argv.slice(2) : workerData;
const Database = require(pack);
const open = (options) => new Database(file, { nativeBinding, timeout: 20000, ...options });

const kindOf = (path) =>
  !fs.existsSync(path) ? 'none' : fs.statSync(path).isDirectory() ? 'directory' : 'file';

const refused = (what) => {
  try {
    what();
    return 'no error';
  } catch (error) {
    return error.code;
  }
};

function addEntries() {
  const db = open();
  const insert = db.prepare('INSERT INTO entry(account, amount) VALUES(?, ?)');
  for (let i = 0; i < 100; i++) insert.run(i % 7, i);
  db.close();
}

const worker = () =>
  new Promise((resolve, reject) => {
    new Worker(__filename, { workerData: [pack, nativeBinding, file] })
      .on('error', reject)
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error('worker ' + code))));
  });

function transactions(db) {
  const insert = db.prepare('INSERT INTO entry(account, amount) VALUES(@account, @amount)');
  const all = db.transaction((rows) => rows.forEach((row) => insert.run(row)));
  all.immediate(Array.from({ length: 500 }, (_, i) => ({ account: i % 7, amount: i })));
  const rolledBack = refused(() => all([{ account: 1, amount: 1 }, { account: 1, amount: null }]));
  const nested = db.transaction(() => {
    insert.run({ account: 9, amount: 1 });
    refused(() => all([{ account: 9, amount: 2 }, { account: 9, amount: null }])); // a savepoint
    return db.prepare('SELECT sum(amount) FROM entry WHERE account = 9').pluck().get();
  })();
  return { rolledBack, nested };
}

function reads(db) {
  db.function('double', (x) => 2 * x);
  db.aggregate('longest', { start: 0, step: (most, x) => Math.max(most, String(x).length) });
  const rows = [...db.prepare('SELECT account, count(*) AS n, sum(double(amount)) AS s FROM entry GROUP BY account').iterate()];
  const reader = open({ readonly: true });
  reader.exec('BEGIN');
  const count = () => reader.prepare('SELECT count(*) FROM entry').pluck().get();
  const before = count();
  db.exec('INSERT INTO entry(account, amount) VALUES(8, 1)');
  const isolated = count() === before;
  reader.exec('COMMIT');
  const seen = count() === before + 1;
  const write = refused(() => reader.exec('DELETE FROM entry'));
  reader.close();
  return { rows, isolated, seen, write, longest: db.prepare('SELECT longest(amount) FROM entry').pluck().get() };
}

async function main() {
  const db = open();
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  db.exec('CREATE TABLE entry(id INTEGER PRIMARY KEY, account INT, amount INT NOT NULL)');
  const log = kindOf(file + '-wal');
  const result = { mode, ...transactions(db), ...reads(db) };
  await Promise.all([worker(), worker(), worker(), worker()]);
  result.entries = db.prepare('SELECT count(*) FROM entry').pluck().get();
  await db.backup(file + '.backup');
  const backup = new Database(file + '.backup', { nativeBinding });
  result.backup = backup.prepare('SELECT count(*) FROM entry').pluck().get();
  backup.close();
  result.blob = db.prepare('SELECT ?').pluck().get(Buffer.alloc(100000, 7)).length;
  result.serialized = db.serialize().length > 0;
  result.checkpoint = db.pragma('wal_checkpoint(TRUNCATE)');
  result.integrity = db.pragma('integrity_check', { simple: true });
  db.close();
  console.log(JSON.stringify({ result, log, after: kindOf(file + '-wal') }));
}

if (isMainThread) main();
else addEntries();
