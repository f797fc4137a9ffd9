#include "tests/sqlite/fake_engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite3.h"

typedef struct fake_frame {
  uint32_t page_no;
  void* data;
} fake_frame;

typedef struct fake_log {
  char* name;
  int connections;
  fake_frame* frames;
  uint32_t count;
  uint32_t committed;
  uint32_t database_pages;
  int page_size;
  strata_wal* writer;
  struct fake_log* next;
} fake_log;

struct strata_wal {
  fake_log* log;
  strata_wal_open_args arguments;
  strata_sqlite_connection* connection;
  uint32_t snapshot;
  uint32_t pinned; /* + 1, by snapshot_open */
  int new_frames;
};

static fake_record record;
static int delete_answer;
static fake_log* logs;
static const strata_wal_host* host;

fake_record* fake_engine_record(void) { return &record; }

void fake_engine_answer_delete_with(int result_code) { delete_answer = result_code; }

static fake_log* find_log(const char* name) {
  fake_log* log;
  for (log = logs; log; log = log->next) {
    if (strcmp(log->name, name) == 0) return log;
  }
  log = calloc(1, sizeof(*log));
  log->name = strdup(name);
  log->next = logs;
  logs = log;
  return log;
}

static int is_directory(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int is_log(struct sqlite3_vfs* vfs, const char* wal_name, int* found) {
  *found = is_directory(wal_name);
  return SQLITE_OK;
}

static int open_wal(const strata_wal_open_args* arguments, strata_wal** out) {
  strata_wal* wal;
  if (mkdir(arguments->wal_name, 0755) != 0 && !is_directory(arguments->wal_name)) {
    return SQLITE_CANTOPEN;
  }
  wal = calloc(1, sizeof(*wal));
  wal->log = find_log(arguments->wal_name);
  wal->log->connections++;
  wal->arguments = *arguments;
  record.opens++;
  record.read_only = arguments->read_only;
  *out = wal;
  return SQLITE_OK;
}

static void drop_frames_from(fake_log* log, uint32_t first) {
  while (log->count > first) free(log->frames[--log->count].data);
}

static int copy_into_database(strata_wal* wal) {
  fake_log* log = wal->log;
  struct sqlite3_file* file;
  uint32_t i;
  int rc = host->open_file(wal->arguments.vfs, wal->arguments.wal_name,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB, &file);
  for (i = 0; rc == SQLITE_OK && i < log->committed; i++) {
    const fake_frame* frame = &log->frames[i];
    if (frame->page_no > log->database_pages) continue;
    rc = host->write_file(file, frame->data, log->page_size, (int64_t)(frame->page_no - 1) * log->page_size);
  }
  if (rc == SQLITE_OK && log->database_pages) {
    rc = host->truncate_file(file, (int64_t)log->database_pages * log->page_size);
  }
  if (rc == SQLITE_OK) rc = host->sync_file(file, 0);
  if (file) host->close_file(file);
  return rc;
}

static int close_wal(strata_wal* wal, strata_sqlite_connection* connection, int sync_flags, int size,
                     uint8_t* buffer, int keep_log) {
  fake_log* log = wal->log;
  int rc = SQLITE_OK;
  record.closes++;
  record.kept = keep_log;
  record.close_connection = connection != NULL;
  if (--log->connections == 0 && connection) {
    rc = copy_into_database(wal);
    if (rc == SQLITE_OK) {
      drop_frames_from(log, 0);
      log->committed = 0;
      log->database_pages = 0;
      if (!keep_log) rmdir(log->name);
    }
  }
  free(wal);
  return rc;
}

static void limit(strata_wal* wal, int64_t bytes) {}

static int begin_read(strata_wal* wal, int* changed) {
  const uint32_t snapshot = wal->pinned ? wal->pinned - 1 : wal->log->committed;
  *changed = wal->snapshot != snapshot;
  wal->snapshot = snapshot;
  return SQLITE_OK;
}

static void end_read(strata_wal* wal) {}

static int find_frame(strata_wal* wal, uint32_t page_no, uint32_t* token) {
  uint32_t i = wal->log->writer == wal ? wal->log->count : wal->snapshot;
  while (i > 0 && wal->log->frames[i - 1].page_no != page_no) i--;
  *token = i;
  return SQLITE_OK;
}

static int read_frame(strata_wal* wal, uint32_t token, int bytes, uint8_t* to) {
  memcpy(to, wal->log->frames[token - 1].data, (size_t)bytes);
  return SQLITE_OK;
}

static uint32_t database_pages(strata_wal* wal) { return wal->snapshot ? wal->log->database_pages : 0; }

static int write_lock(strata_wal* wal, int lock) {
  if (lock) {
    record.write_locks++;
    record.busy_timeout_ms = host->busy_timeout_ms(wal->connection);
  }
  return SQLITE_OK;
}

static int begin_write(strata_wal* wal) {
  if (wal->log->writer) return SQLITE_BUSY;
  if (wal->snapshot != wal->log->committed) return SQLITE_BUSY_SNAPSHOT;
  wal->log->writer = wal;
  return SQLITE_OK;
}

static int end_write(strata_wal* wal) {
  if (wal->log->writer == wal) wal->log->writer = NULL;
  return SQLITE_OK;
}

static int undo(strata_wal* wal, int (*undo_page)(void*, uint32_t), void* context) {
  uint32_t i;
  int rc = SQLITE_OK;
  if (wal->log->writer != wal) return rc;
  for (i = wal->log->committed; rc == SQLITE_OK && i < wal->log->count; i++) {
    rc = undo_page(context, wal->log->frames[i].page_no);
    record.undone_pages++;
  }
  drop_frames_from(wal->log, wal->log->committed);
  return rc;
}

static void savepoint(strata_wal* wal, uint32_t words[STRATA_SAVEPOINT_WORDS]) {
  memset(words, 0, STRATA_SAVEPOINT_WORDS * sizeof(*words));
  words[0] = wal->log->count;
}

static int savepoint_undo(strata_wal* wal, uint32_t words[STRATA_SAVEPOINT_WORDS]) {
  drop_frames_from(wal->log, words[0]);
  return SQLITE_OK;
}

static int frames(strata_wal* wal, int page_size, const strata_wal_page* pages, size_t count, uint32_t pages_after,
                  int commit, int sync_flags) {
  fake_log* log = wal->log;
  size_t i;
  log->frames = realloc(log->frames, (log->count + count) * sizeof(*log->frames));
  log->page_size = page_size;
  for (i = 0; i < count; i++) {
    fake_frame* frame = &log->frames[log->count++];
    frame->page_no = pages[i].page_no;
    frame->data = malloc((size_t)page_size);
    memcpy(frame->data, pages[i].data, (size_t)page_size);
  }
  if ((int)count > record.largest_append) record.largest_append = (int)count;
  if (commit) {
    log->committed = log->count;
    log->database_pages = pages_after;
    wal->snapshot = log->committed;
    wal->new_frames = (int)log->committed;
  }
  return SQLITE_OK;
}

static int checkpoint(strata_wal* wal, strata_sqlite_connection* connection, int mode, int (*busy)(void*),
                      void* context, int sync_flags, int size, uint8_t* buffer, int* log_frames,
                      int* checkpointed_frames) {
  const int rc = copy_into_database(wal);
  if (log_frames) *log_frames = (int)wal->log->committed;
  if (checkpointed_frames) *checkpointed_frames = (int)wal->log->committed;
  return rc;
}

static int callback(strata_wal* wal, int default_hook, int autocheckpoint_frames) {
  const int count = wal->new_frames;
  wal->new_frames = 0;
  if (count == 0 || !default_hook) return count;
  record.default_hooks++;
  record.autocheckpoint = autocheckpoint_frames;
  return 0;
}

static int exclusive_mode(strata_wal* wal, int op) { return op != 0; }

static int heap_memory(strata_wal* wal) { return 0; }

static void set_connection(strata_wal* wal, strata_sqlite_connection* connection) { wal->connection = connection; }

static int snapshot_get(strata_wal* wal, unsigned char snapshot[48]) {
  memset(snapshot, 0, 48);
  memcpy(snapshot + 4, &wal->snapshot, sizeof(wal->snapshot));
  return SQLITE_OK;
}

static uint32_t frames_of(const unsigned char* snapshot) {
  uint32_t count;
  memcpy(&count, snapshot + 4, sizeof(count));
  return count;
}

static void snapshot_open(strata_wal* wal, const unsigned char* snapshot) {
  wal->pinned = snapshot ? 1 + frames_of(snapshot) : 0;
}

static int snapshot_recover(strata_wal* wal) { return SQLITE_OK; }

static int snapshot_check(strata_wal* wal, const unsigned char snapshot[48]) { return SQLITE_OK; }

static void snapshot_unlock(strata_wal* wal) {}

static int snapshot_compare(const unsigned char a[48], const unsigned char b[48]) {
  return (frames_of(a) > frames_of(b)) - (frames_of(a) < frames_of(b));
}

static int delete_log(struct sqlite3_vfs* vfs, const char* wal_name) {
  record.deletes++;
  if (delete_answer == SQLITE_OK) rmdir(wal_name);
  return delete_answer;
}

static const strata_wal_methods methods = {
    1,
    "fake",
    open_wal,
    close_wal,
    limit,
    begin_read,
    end_read,
    find_frame,
    read_frame,
    database_pages,
    write_lock,
    begin_write,
    end_write,
    undo,
    savepoint,
    savepoint_undo,
    frames,
    checkpoint,
    callback,
    exclusive_mode,
    heap_memory,
    set_connection,
    snapshot_get,
    snapshot_open,
    snapshot_recover,
    snapshot_check,
    snapshot_unlock,
    snapshot_compare,
    delete_log,
    is_log,
};

int fake_engine_register(void) { return host ? SQLITE_OK : strata_wal_register(&methods, &host); }
