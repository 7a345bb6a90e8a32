#!/usr/bin/perl
# A warm worker in a language that heeler has no runtime for: docs/wire.md in Perl, without any module to install. Try
# `fprocess="perl worker.pl" mode=warm heeler`. It takes one call at a time; `handle` is the function.
use strict;
use warnings;
use Fcntl qw(F_SETFD FD_CLOEXEC);

my %type = (HELLO => 1, CALL => 2, DATA => 3, END => 4, REPLY => 5, ERROR => 6, CANCEL => 7, CANCELLED => 8,
    WINDOW => 9, PING => 10, PONG => 11, BYE => 13);
my $fd = delete $ENV{HEELER_FD} // die "HEELER_FD is not set: heeler sets it where mode is warm\n";
open(my $socket, '+<&=', $fd) or die "descriptor $fd: $!\n";
fcntl($socket, F_SETFD, FD_CLOEXEC) or die "descriptor $fd: $!\n";

sub handle {
    my ($call) = @_;
    die "no\n" if $call->{path} eq '/die';
    return (200, ['content-type' => 'text/plain'], "$call->{method} $call->{path}: " . uc $call->{body});
}

sub bytes {    # exactly so many; the socket's end is ours
    my ($count, $bytes) = ($_[0], '');
    while (length $bytes < $count) { sysread($socket, $bytes, $count - length $bytes, length $bytes) or exit 0 }
    return $bytes;
}

sub put {
    my ($name, $last, $stream, $payload) = @_;
    my $frame = pack('NCCnN', length $payload, $type{$name}, $last, 0, $stream) . $payload;
    while (length $frame) { substr($frame, 0, syswrite($socket, $frame) // exit(0), '') }
}

my $window;      # body bytes that heeler takes on a stream at first
my $credit = 0;  # those that it takes now

sub next_frame {    # of a call; what belongs to the connection is seen to here
    while (1) {
        my ($length, $type, $flags, undef, $stream) = unpack 'NCCnN', bytes(12);
        my $payload = $length ? bytes($length) : '';
        if    ($type == $type{HELLO})  { $window = unpack 'x4N', $payload }
        elsif ($type == $type{PING})   { put('PONG', 0, 0, substr($payload, 0, 1) . "\1") }
        elsif ($type == $type{WINDOW}) { $credit += unpack 'N', $payload }
        elsif ($type == $type{BYE})    { exit 0 }
        elsif ($type < 128)            { return ($type, $flags & 1, $stream, $payload) }
        return if $type == $type{HELLO} || $type == $type{WINDOW};
    }
}

sub body {    # the rest of a request, or undef if nobody waits any more
    my ($stream, $last, $body) = @_;
    while (!$last) {
        (my $type, $last, undef, my $payload) = next_frame() or next;
        return undef if $type == $type{CANCEL};
        next unless $type == $type{DATA};
        $body .= $payload;
        put('WINDOW', 0, $stream, pack 'N', length $payload) if !$last && length $payload;
    }
    return $body;
}

sub answer {
    my ($stream, $status, $headers, $body) = @_;
    my $fields = join '', map { "$_\0" } @$headers;
    put('REPLY', 0, $stream, pack('CCnNN', 0, 0, $status, length $fields, 0) . $fields);
    for ($credit = $window; length $body;) {
        my ($type) = $credit ? () : next_frame();
        return put('CANCELLED', 1, $stream, '') if $type && $type == $type{CANCEL};
        my $piece = substr($body, 0, $credit < 65536 ? $credit : 65536, '');
        next unless length $piece;
        $credit -= length $piece;
        put('DATA', 0, $stream, $piece);
    }
    put('END', 1, $stream, pack 'N', 0);
}

next_frame();
put('HELLO', 0, 0, pack('nnNN', 1, 0, 262144, 1) . "language\0perl\0version\0$]\0function\0handle\0");
while (1) {
    my ($type, $last, $stream, $payload) = next_frame() or next;
    next unless $type == $type{CALL};
    my $length = unpack 'x4N', $payload;
    my ($method, $path, $query, $scheme, $remote, $id, @headers) = split /\0/, substr($payload, 20, $length), -1;
    my $body = body($stream, $last, substr($payload, 20 + $length));
    if (!defined $body) { put('CANCELLED', 1, $stream, ''); next }
    my @reply = eval { handle({ method => $method, path => $path, query => $query, body => $body, headers => \@headers }) };
    if (@reply) { answer($stream, @reply) }
    else        { put('ERROR', 1, $stream, pack('CCnN', 0, 0, 0, 0) . "die\0$@\0\0") }
}
