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

proc strata_bytes {path offset count} {
  set in [open $path rb]
  seek $in $offset
  set bytes [read $in $count]
  close $in
  return $bytes
}

# The frames that wal_checkpoint counts, from the control page (docs/processes.md).
proc strata_frames {log} {
  if {![strata_file exists $log/shm]} { return 0 }
  if {[binary scan [strata_bytes $log/shm 48 72] wx8wwx16w from counter even odd] != 4} { return 0 }
  set visible [expr {$counter & 1 ? $odd : $even}]
  expr {$visible > $from ? $visible - $from : 0}
}

proc strata_page_size {database} {
  if {[strata_file size $database] < 18} { return 1024 }
  binary scan [strata_bytes $database 16 2] Su size
  expr {$size == 1 ? 65536 : $size}
}

# As long as SQLite's log would be, which does not get shorter before it is truncated.
proc strata_log_size {log} {
  set frames [strata_frames $log]
  set path [strata_file normalize $log]
  if {$frames == 0} { unset -nocomplain ::strata_highest($path) ; return 0 }
  if {![info exists ::strata_highest($path)] || $::strata_highest($path) < $frames} {
    set ::strata_highest($path) $frames
  }
  expr {32 + $::strata_highest($path) * (24 + [strata_page_size [string range $log 0 end-4]])}
}

# SQLite's log is a file beside which lies another, Strata's a directory that holds the control page: where the suite
# asks how long the one is and whether the other is there, or copies and deletes them, it gets what corresponds.
rename file strata_file
proc file {what args} {
  set path [lindex $args end]
  switch -- $what {
    size { if {[strata_is_log $path]} { return [strata_log_size $path] } }
    isfile { if {[strata_is_log $path]} { return 1 } }
    exists {
      if {[string match *-shm $path]} {
        set log [string range $path 0 end-4]-wal
        return [expr {[strata_file exists $path] || ([strata_is_log $log] && [strata_file exists $log/shm])}]
      }
    }
    delete {
      foreach each $args { if {[strata_is_log $each]} { strata_file delete -force $each } }
    }
    copy {
      # Of a directory, a copy into one that is there would be made inside it.
      if {[strata_is_log [lindex $args end-1]] || [strata_is_log $path]} { strata_file delete -force $path }
    }
  }
  uplevel 1 [linsert $args 0 strata_file $what]
}

# Whatever of these has come, or was defined anew. What is adapted calls something of this file.
proc strata_adapt {} {
  foreach {name adapt} {
    do_ioerr_test {strata_adapt_loop do_ioerr_test}
    do_malloc_test {strata_adapt_loop do_malloc_test}
    do_diskfull_test {strata_adapt_loop do_diskfull_test}
    do_one_faultsim_test strata_adapt_faultsim
    forcedelete strata_adapt_delete
  } {
    if {[info procs $name] eq "" || [string match *strata_* [info body $name]]} continue
    if {[info procs strata_$name] ne ""} { rename strata_$name "" }
    eval $adapt
  }
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
