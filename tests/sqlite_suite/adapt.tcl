# Loaded by suite.py into each interpreter that runs a file of SQLite's test suite, on stock SQLite and on Strata
# alike, before the file itself. It tells suite.py what belongs to a loop of fault injection, and lets the suite's
# own helpers meet a log that is a directory. Nothing of SQLite is copied: its procedures are renamed and called.

set strata_faults 0
set strata_counting_elsewhere 0

proc strata_count {faults} {
  if {[string is integer -strict $faults] && $faults > 0} { incr ::strata_faults $faults }
  return $faults
}

# Prints where a loop begins and ends, and how many faults it injected: its rounds are as many as the code under
# test has allocations, or calls of the VFS, which is not the same number on both sides.
proc strata_loop {name command} {
  set before $::strata_faults
  puts "\n#loop [string map {{ } _} $name]"
  set code [catch {uplevel 2 $command} result options]
  puts "\n#end [expr {$::strata_faults - $before}]"
  dict incr options -level
  return -options $options $result
}

proc strata_adapt_loop {name} {
  rename $name strata_$name
  proc $name {loop args} "strata_loop \$loop \[linsert \$args 0 strata_$name \$loop\]"
}

# Of an injected error do_ioerr_test expects that the statement fails. Strata outlives some: a failed sync goes to a new
# file, a failed read is repeated. Then the error counts as benign, as SQLite's own that it outlives; that the database
# holds what it should is checked all the same.
proc strata_adapt_ioerr {} {
  rename do_ioerr_test strata_do_ioerr_test
  proc do_ioerr_test {loop args} {
    if {[info exists ::env(STRATA_WAL)]} {
      array set options {-tclbody {} -sqlbody {}}
      array set options $args
      append options(-tclbody) "\ndb eval {$options(-sqlbody)}\nstrata_outlived"
      unset options(-sqlbody)
      set args [array get options]
    }
    strata_loop $loop [linsert $args 0 strata_do_ioerr_test $loop]
  }
}

proc strata_outlived {} {
  if {$::sqlite_io_error_hit > 0} { incr ::sqlite_io_error_hit }
}

# do_one_faultsim_test learns from -injectstop how many faults there were.
proc strata_adapt_faultsim {} {
  rename do_one_faultsim_test strata_do_one_faultsim_test
  proc do_one_faultsim_test {loop args} {
    array set options $args
    if {[info exists options(-injectstop)]} {
      set options(-injectstop) "strata_count \[$options(-injectstop)\]"
    }
    incr ::strata_counting_elsewhere
    set code [catch {
      strata_loop $loop [linsert [array get options] 0 strata_do_one_faultsim_test $loop]
    } result how]
    incr ::strata_counting_elsewhere -1
    return -options $how $result
  }
}

proc strata_adapt_memdebug {} {
  rename sqlite3_memdebug_fail strata_sqlite3_memdebug_fail
  proc sqlite3_memdebug_fail {args} {
    set faults [uplevel 1 [linsert $args 0 strata_sqlite3_memdebug_fail]]
    if {!$::strata_counting_elsewhere} { strata_count $faults }
    return $faults
  }
}

# Who deletes a database deletes its log, as the suite does itself in most places. Where it does not, a log that
# stayed because of injected errors would meet the next database of that name: SQLite deletes it, Strata refuses.
proc strata_adapt_delete {} {
  rename forcedelete strata_forcedelete
  proc forcedelete {args} {
    uplevel 1 [linsert $args 0 strata_forcedelete]
    foreach file $args {
      if {[strata_file isdirectory $file-wal]} { strata_file delete -force $file-wal }
    }
  }
}

proc strata_is_log {path} {
  expr {[string match *-wal $path] && [strata_file isdirectory $path]}
}

proc strata_shm {path} { return [string range $path 0 end-4]-wal/shm }

proc strata_is_shm {path} {
  expr {[string match *-shm $path] && ![strata_file exists $path] && [strata_file exists [strata_shm $path]]}
}

proc strata_bytes {path offset count} {
  set in [strata_open $path rb]
  seek $in $offset
  set bytes [read $in $count]
  close $in
  return $bytes
}

# The frame of a commit that the control page (docs/processes.md) tells, as wal_checkpoint counts.
proc strata_counted {log offset} {
  if {![strata_file exists $log/shm]} { return 0 }
  binary scan [strata_bytes $log/shm 48 8] w from
  binary scan [strata_bytes $log/shm $offset 56] wwx16w counter even odd
  set frame [expr {$counter & 1 ? $odd : $even}]
  expr {$frame > $from ? $frame - $from : 0}
}

proc strata_frames {log} { return [strata_counted $log 64] }
proc strata_checkpointed {log} { return [strata_counted $log 384] }

proc strata_page_size {database} {
  if {[strata_file size $database] < 18} { return 1024 }
  binary scan [strata_bytes $database 16 2] Su size
  expr {$size == 1 ? 65536 : $size}
}

# As long as SQLite's log would be, which does not get shorter before it is truncated: as far as it was looked at.
proc strata_log_size {log} {
  set frames [strata_frames $log]
  if {$frames == 0 || ![strata_file exists $log/identity]} { return 0 }
  set which [strata_bytes $log/identity 0 512]
  if {![info exists ::strata_highest($which)] || $::strata_highest($which) < $frames} {
    set ::strata_highest($which) $frames
  }
  expr {32 + $::strata_highest($which) * (24 + [strata_page_size [string range $log 0 end-4]])}
}

# SQLite's log is a file beside which lies another, Strata's a directory that holds the control page: where the suite
# asks how long the one is and whether the other is there, or copies and deletes them, it gets what corresponds.
rename file strata_file
proc file {what args} {
  set path [lindex $args end]
  switch -- $what {
    size {
      if {[strata_is_log $path]} { return [strata_log_size $path] }
      if {[strata_is_shm $path]} { return [strata_file size [strata_shm $path]] }
    }
    isfile { if {[strata_is_log $path]} { return 1 } }
    exists {
      # walfault.test asks whether there is a file: with locking_mode=exclusive SQLite has none.
      if {[strata_is_shm $path] && ![string match *walfault.test [info script]]} { return 1 }
    }
    delete {
      foreach each $args { if {[strata_is_log $each]} { strata_file delete -force $each } }
    }
    attributes {
      set shm [lindex $args 0]
      if {[strata_is_shm $shm]} { lset args 0 [strata_shm $shm] }
      if {[string match *-shm $shm] && ![strata_file exists [lindex $args 0]]} { return "" }
    }
    copy {
      # Of a directory, a copy into one that is there would be made inside it.
      if {[strata_is_log [lindex $args end-1]] || [strata_is_log $path]} { strata_file delete -force $path }
    }
  }
  uplevel 1 [linsert $args 0 strata_file $what]
}

# What a test writes over SQLite's log is written nowhere, and what it reads is nothing: it fails, and the next is run.
rename open strata_open
proc open {path args} {
  if {[strata_is_shm $path]} { set path [strata_shm $path] }
  if {[strata_is_log $path]} { set path /dev/null }
  uplevel 1 [linsert $args 0 strata_open $path]
}

proc strata_adapt_bytes {} {
  foreach {name nothing} {hexio_write 0 hexio_read {}} {
    rename $name strata_$name
    proc $name {path args} "
      if {\[strata_is_log \$path\]} { return {$nothing} }
      uplevel 1 \[linsert \$args 0 strata_$name \$path\]
    "
  }
}

# The suite's VFS has the bytes of SQLite's shared memory at hand, and fails when nobody asked it for any: in the loops
# of walfault.test, whose VFS is `shmfault`.
proc strata_adapt_testvfs {} {
  rename testvfs strata_testvfs
  proc testvfs {name args} {
    if {[info commands strata_vfs_$name] ne ""} { rename strata_vfs_$name "" }
    uplevel 1 [linsert $args 0 strata_testvfs $name]
    if {$name ne "shmfault"} { return $name }
    rename $name strata_vfs_$name
    proc $name {what args} "
      if {\$what eq {shm}} {
        if {\[catch {eval {strata_vfs_$name shm} \$args} bytes\]} { return {} }
        return \$bytes
      }
      if {\$what eq {delete}} { rename $name {} }
      uplevel 1 \[linsert \$args 0 strata_vfs_$name \$what\]
    "
    return $name
  }
}

# Procedures of single files. Those that read SQLite's -shm read the control page; one, of ioerr2.test, begins with what
# Strata asks for after injected errors that left it no place to write to: to be opened again (docs/known_limits.md).
if {[info exists env(STRATA_WAL)]} {
  array set strata_instead {
    read_mxframe { strata_frames test.db-wal }
    read_nbackfill { strata_checkpointed test.db-wal }
    set_tvfs_hdr { return {0 0 0 0 0 0 0 0 0 0 0 0} }
    incr_tvfs_hdr { return "" }
  }
  set ::filename test.db
  array set strata_first {
    {check_db testname} {
      set ::sqlite_io_error_pending 0
      set ::sqlite_io_error_persist 0
      if {[catch {db eval {BEGIN IMMEDIATE}} why] == 0} {
        db eval ROLLBACK
      } elseif {$why eq "disk I/O error"} {
        db close
        sqlite3 db test.db
        db eval {PRAGMA wal_checkpoint = truncate} ;# the files that failed, to be synced by every round
      }
    }
  }
  rename proc strata_proc
  strata_proc proc {name arguments body} {
    if {[info exists ::strata_instead($name)]} { set body $::strata_instead($name) }
    if {[info exists ::strata_first($name\ $arguments)]} { set body $::strata_first($name\ $arguments)\n$body }
    uplevel 1 [list strata_proc $name $arguments $body]
  }
}

# Whatever of these has come, or was defined anew. What is adapted calls something of this file.
proc strata_adapt {} {
  foreach {name adapt} {
    do_ioerr_test strata_adapt_ioerr
    do_malloc_test {strata_adapt_loop do_malloc_test}
    do_one_faultsim_test strata_adapt_faultsim
    forcedelete strata_adapt_delete
  } {
    if {[info procs $name] eq "" || [string match *strata_* [info body $name]]} continue
    if {[info procs strata_$name] ne ""} { rename strata_$name "" }
    eval $adapt
  }
  if {[info commands testvfs] ne "" && [info procs testvfs] eq ""} { strata_adapt_testvfs }
  if {[info commands hexio_write] ne "" && [info procs hexio_write] eq ""} { strata_adapt_bytes }
  if {[info commands sqlite3_memdebug_fail] ne "" && [info procs sqlite3_memdebug_fail] eq ""} {
    strata_adapt_memdebug
  }
}

# tester.tcl and malloc_common.tcl come with the file that is run.
rename source strata_source
proc source {args} {
  set code [catch {uplevel 1 [linsert $args 0 strata_source]} result options]
  strata_adapt
  dict incr options -level
  return -options $options $result
}
