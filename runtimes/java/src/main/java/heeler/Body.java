package heeler;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Queue;

/** The body of a request: the piece that came with the head, and those that come behind it. Guarded by its call. */
final class Body extends InputStream {
    /** Body bytes that heeler may send on each call before it hears of more room. */
    static final int WINDOW_BYTES = 1024 * 1024;
    /** Room is given back in pieces of this size, not with every frame. */
    private static final int GRANT_BYTES = WINDOW_BYTES / 4;

    private final Call call;
    private byte[] piece;
    private int at;
    private Queue<byte[]> more;
    private boolean complete;
    private long received;
    private long granted = WINDOW_BYTES;
    private int uncredited;

    Body(Call call, byte[] payload, int from, boolean complete) {
        this.call = call;
        piece = payload;
        at = from;
        received = payload.length - from;
        this.complete = complete;
    }

    /** A body that is here whole, in place of the one that came. */
    Body(Call call, byte[] whole) {
        this(call, whole, 0, true);
    }

    /** A further piece came. */
    void add(byte[] bytes, boolean last) {
        synchronized (call) {
            if (complete) throw new Broken("body bytes on stream " + call.id + " behind its last");
            received += bytes.length;
            if (received > granted) throw new Broken(received + " body bytes where " + granted + " were allowed");
            complete = last;
            if (bytes.length > 0) {
                if (more == null) more = new ArrayDeque<>();
                more.add(bytes);
            }
            call.notifyAll();
        }
    }

    boolean isHere() {
        synchronized (call) {
            return complete && more == null;
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
        if (length == 0) return 0;
        if (at == piece.length && !step()) return -1;
        int count = Math.min(length, piece.length - at);
        System.arraycopy(piece, at, into, from, count);
        at += count;
        credit(count);
        return count;
    }

    @Override
    public int available() {
        return piece.length - at;
    }

    @Override
    public byte[] readAllBytes() throws IOException {
        if (!isHere()) return super.readAllBytes();
        byte[] rest = at == 0 ? piece : java.util.Arrays.copyOfRange(piece, at, piece.length);
        at = piece.length;
        return rest;
    }

    /** To the next piece, as soon as there is one; false at the end. */
    private boolean step() throws IOException {
        boolean first = true;
        for (;;) {
            synchronized (call) {
                byte[] next = more == null ? null : more.poll();
                if (next != null) {
                    piece = next;
                    at = 0;
                    return true;
                }
                if (complete) return false;
                if (call.cancelled()) throw new InterruptedIOException("the call was cancelled while its request was being read");
                if (!first) await();
            }
            if (first) call.serving.seat.handOver();
            first = false;
        }
    }

    private void await() throws InterruptedIOException {
        try {
            call.wait();
        } catch (InterruptedException told) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while its request was being read");
        }
    }

    private void credit(int bytes) {
        byte[] room = null;
        synchronized (call) {
            uncredited += bytes;
            if (complete || uncredited < GRANT_BYTES) return;
            room = new byte[4];
            Frames.put32(room, 0, uncredited);
            granted += uncredited;
            uncredited = 0;
            if (!call.over()) call.serving.link.send(Frames.WINDOW, false, call.id, room);
        }
        call.serving.link.flush();
    }
}
