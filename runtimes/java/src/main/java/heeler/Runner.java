package heeler;

/**
 * A thread that runs functions, and in between reads and writes the socket.
 *
 * <p>An interrupt that meets a thread in a channel closes that channel, and with it every call of this worker. Functions
 * interrupt threads, and so do we, so an interrupt that comes while a thread is at the socket waits until it is through.
 */
final class Runner extends Thread {
    private static final Halt HALT = Halt.HALT;

    /** Whose code it is running, if anybody's. */
    Call call;
    /** Its right to read the socket while it is running a call by itself; 0 if it has none. */
    long ticket;

    private final Object guard = new Object();
    private boolean guarded;
    private boolean missed;

    Runner(Runnable work) {
        super(work, "heeler");
        setDaemon(true);
    }

    /** The call that this thread is running, if it is one of ours. */
    static Call current() {
        return currentThread() instanceof Runner runner ? runner.call : null;
    }

    /** What no call has caught is our own failure, whatever a function sets. */
    @Override
    public UncaughtExceptionHandler getUncaughtExceptionHandler() {
        return HALT;
    }

    @Override
    public void interrupt() {
        synchronized (guard) {
            if (guarded) missed = true;
            else super.interrupt();
        }
    }

    void enterSocket() {
        synchronized (guard) {
            guarded = true;
            missed = Thread.interrupted();
        }
    }

    void leaveSocket() {
        synchronized (guard) {
            guarded = false;
            if (missed) super.interrupt();
        }
    }

    /** What the last call left behind is nobody's any more. */
    void reset(ClassLoader loader) {
        call = null;
        Thread.interrupted();
        setContextClassLoader(loader);
    }
}
