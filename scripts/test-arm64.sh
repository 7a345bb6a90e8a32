#!/bin/sh
# The binary for arm64 under the same tests as ours, emulated by qemu-user: its own code and system calls are arm64's, its
# handlers are this machine's programs. On an arm64 machine `make test` is the better test.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc
if ! scripts/need.sh qemu-aarch64-static 2>/dev/null; then
    echo "skipped: the arm64 binary's tests need qemu-aarch64-static (Debian's package qemu-user-static)"
    exit 0
fi

binary="$PWD/target/arm64/heeler-linux-arm64"
scripts/build.sh aarch64-unknown-linux-musl "$binary"
# A program for tests to start, under the name that it has in images.
HEELER_TEST_BINARY="$PWD/target/arm64/heeler"
export HEELER_TEST_BINARY
# shellcheck disable=SC2016 # that shell knows $0 and $@
printf '#!/bin/sh\nexec %s -0 "$0" %s "$@"\n' "$(command -v qemu-aarch64-static)" "$binary" >"$HEELER_TEST_BINARY"
chmod +x "$HEELER_TEST_BINARY"
"$HEELER_TEST_BINARY" --version

files="bodies cgi drain environment event_batches h2 health hostile http_mode limits logs metrics modes pid1 proxy_replies
    supervise timeouts warm_example warm_life warm_replace"

# qemu-user refuses PR_SET_CHILD_SUBREAPER: beside PID 1 nobody collects what left its parent, and a warning says so.
subreaper="a_second_term_ends_it_at_once a_client_that_goes_away_cancels_all_its_calls a_lock_that_cannot_be_written_is_one_warning
    a_second_signal_ends_both_at_once a_server_that_does_not_come_up_ends_heeler_with_a_reason
    a_server_that_does_not_listen_to_term_during_the_start_is_killed a_server_that_is_kept_dies_and_comes_again
    a_crowd_that_ends_at_once_is_collected_without_waiting_for_one_after_the_other a_thousand_orphans_are_collected
    background_processes_leave_no_zombies
    escapees_from_the_session_end_with_their_call nothing_is_left_behind orphans_and_kills_are_seen
    term_ends_the_server_and_then_heeler the_instance_says_that_it_drains_and_ends
    what_a_call_leaves_running_is_ended_with_it what_a_dead_worker_leaves_behind_is_ended what_it_left_behind_goes_with_it"
# It makes a fork of a vfork: that exec failed is told by the exit code 126 or 127, as of any program that ends so.
vfork="a_command_that_cannot_be_executed_has_the_shells_code a_handler_that_vanished_is_a_502_each_time
    a_script_without_its_interpreter_is_told_from_one_that_ends
    without_processes_calls_are_refused_and_soon_served_again"
# It takes some signals for itself.
signals="a_fault_signal_ends_it_and_what_it_started its_signals_are_as_heeler_found_them other_signals_are_no_reason_to_end
    the_signals_of_what_is_kept_are_as_heeler_found_them"

set --
for file in $files; do set -- "$@" --test "$file"; done
set -- "$@" --
for test in $subreaper $vfork $signals; do set -- "$@" --skip "$test"; done

cargo build --quiet --locked --examples
cargo test --locked --no-fail-fast "$@"
