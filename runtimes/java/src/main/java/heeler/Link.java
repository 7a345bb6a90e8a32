package heeler;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** The socket to heeler: frames in as they come, frames out gathered and written once for all that are there. */
final class Link {
    private static final int IN_BYTES = 2 * (Frames.HEADER_BYTES + Frames.MAX_PAYLOAD);
    private static final int OUT_BYTES = 64 * 1024;
    /** Above this much unwritten output log lines go past the socket, so that a loop that prints cannot fill the memory. */
    private static final int CROWDED_BYTES = 4 * 1024 * 1024;
    /** So long an answer that is done waits for the next one, that both go out in one write. */
    private static final long PATIENCE_NANOS = 100_000;

    /** The frame that was read last; for who has the right to read. */
    int type;
    boolean last;
    int stream;
    byte[] payload;

    private final SocketChannel channel;
    private final Runners runners;
    private final ByteBuffer in = ByteBuffer.allocateDirect(IN_BYTES).flip();
    private final Object lock = new Object();
    private ByteBuffer pending = ByteBuffer.allocateDirect(OUT_BYTES);
    private ByteBuffer spare = ByteBuffer.allocateDirect(OUT_BYTES);
    private boolean writing;
    private int waiting;
    private long since;

    Link(SocketChannel channel, Runners runners) {
        this.channel = channel;
        this.runners = runners;
    }

    // ---- in

    /** The next frame that is here whole, or false: then it takes a `fill`. */
    boolean next() {
        while (in.remaining() >= Frames.HEADER_BYTES) {
            int at = in.position();
            int length = in.getInt(at);
            if (length < 0 || length > Frames.MAX_PAYLOAD) {
                throw new Broken("a frame of " + Integer.toUnsignedString(length) + " bytes, at most " + Frames.MAX_PAYLOAD + " are allowed");
            }
            if (in.remaining() < Frames.HEADER_BYTES + length) return false;
            if (take(at, length)) return true;
        }
        return false;
    }

    /** False for frames of a later version, which are passed over: what they mean by their other bytes is theirs. */
    private boolean take(int at, int length) {
        type = in.get(at + 4) & 0xff;
        in.position(at + Frames.HEADER_BYTES);
        if (type >= Frames.OPTIONAL) {
            in.position(in.position() + length);
            return false;
        }
        int flags = in.get(at + 5) & 0xff;
        if (flags > Frames.LAST) throw new Broken("frame type " + type + " has flags " + flags + ", only " + Frames.LAST + " is known");
        if (in.getShort(at + 6) != 0) throw new Broken("frame type " + type + " has bytes 6 and 7 not zero");
        last = flags == Frames.LAST;
        stream = in.getInt(at + 8);
        payload = length == 0 ? Frames.EMPTY : new byte[length];
        in.get(payload);
        return true;
    }

    /** Waits for bytes; false at the socket's end. */
    boolean fill() {
        in.compact();
        Runner me = (Runner) Thread.currentThread();
        me.enterSocket();
        try {
            return channel.read(in) >= 0;
        } catch (IOException gone) {
            return false;
        } finally {
            me.leaveSocket();
            in.flip();
        }
    }

    // ---- out

    void send(int kind, boolean isLast, int id, byte[] bytes) {
        send(kind, isLast, id, bytes, bytes.length, Frames.EMPTY, 0, 0);
    }

    /** Puts a frame behind those that wait; its payload is made of two parts. Who wants it on its way says `flush`. */
    void send(int kind, boolean isLast, int id, byte[] head, int headLength, byte[] body, int from, int length) {
        synchronized (lock) {
            int size = Frames.HEADER_BYTES + headLength + length;
            if (pending.remaining() < size) grow(size);
            if (pending.position() == 0) since = System.nanoTime();
            pending.putInt(headLength + length).put((byte) kind).put((byte) (isLast ? Frames.LAST : 0)).putShort((short) 0).putInt(id);
            pending.put(head, 0, headLength).put(body, from, length);
        }
    }

    private void grow(int size) {
        ByteBuffer larger = ByteBuffer.allocateDirect(Math.max(2 * pending.capacity(), pending.position() + size));
        pending = larger.put(pending.flip());
    }

    boolean crowded() {
        synchronized (lock) {
            return pending.position() > CROWDED_BYTES;
        }
    }

    /** Waits until there is room for one large frame more, without holding up anybody who has a small one. */
    void awaitRoom() {
        flush();
        boolean interrupted = false;
        synchronized (lock) {
            waiting++;
            while (pending.position() > OUT_BYTES) {
                try {
                    lock.wait();
                } catch (InterruptedException told) {
                    interrupted = true;
                }
            }
            waiting--;
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    /** For a thread that has more to do: writes when enough has come together, or when something waits too long. */
    void flushLater() {
        synchronized (lock) {
            int bytes = pending.position();
            if (bytes == 0 || bytes < OUT_BYTES / 2 && System.nanoTime() - since < PATIENCE_NANOS) return;
        }
        flush();
    }

    /** Writes all there is. Whoever finds another thread at it leaves the rest to that one: nobody queues for a lock. */
    void flush() {
        if (!(Thread.currentThread() instanceof Runner me)) {
            // A thread of the function's own: an interrupt of it would close the socket for everybody.
            runners.execute(this::flush);
            return;
        }
        for (ByteBuffer full = begin(); full != null; full = begin()) {
            me.enterSocket();
            try {
                full.flip();
                while (full.hasRemaining()) channel.write(full);
                done(full);
            } catch (IOException gone) {
                Runtime.getRuntime().halt(0);
            } catch (Throwable lost) {
                // Half a frame may be out, and nobody else would write: the function that is running here may not catch this.
                Halt.because(lost);
            } finally {
                me.leaveSocket();
            }
        }
    }

    private ByteBuffer begin() {
        synchronized (lock) {
            if (writing || pending.position() == 0) return null;
            writing = true;
            ByteBuffer full = pending;
            pending = spare;
            return full;
        }
    }

    private void done(ByteBuffer written) {
        synchronized (lock) {
            writing = false;
            spare = written.capacity() > 4 * OUT_BYTES ? ByteBuffer.allocateDirect(OUT_BYTES) : written.clear();
            if (waiting > 0) lock.notifyAll();
        }
    }

    /** Whether all is written, for the last words of a process that ends. */
    void drain() {
        flush();
        synchronized (lock) {
            waiting++;
            while (writing || pending.position() > 0) {
                try {
                    lock.wait(1000);
                } catch (InterruptedException told) {
                    break;
                }
            }
            waiting--;
        }
    }
}
