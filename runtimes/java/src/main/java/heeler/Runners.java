package heeler;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The threads of this worker: as many as it has work for, if there are so many to be had. */
final class Runners extends ThreadPoolExecutor {
    private static final int IDLE_SECONDS = 30;

    Runners() {
        super(0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), Runner::new);
    }

    /** For what the worker cannot do without: to read, to write, to end. */
    @Override
    public void execute(Runnable work) {
        try {
            super.execute(work);
        } catch (Throwable none) {
            Halt.because(none);
        }
    }

    /** For a call: throws where there is no thread for it, and nothing else has happened then. */
    void serve(Runnable call) {
        super.execute(call);
    }
}
