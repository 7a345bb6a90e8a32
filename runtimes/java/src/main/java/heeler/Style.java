package heeler;

/** What a function of one system gets, and what becomes of its result. */
abstract class Style {
    static final int MANY = 1000;

    /** The function's own object, for its `close`; null if it has none. */
    final Object function;

    Style(Object function) {
        this.function = function;
    }

    abstract void serve(Call call) throws Throwable;

    /** The function's code has ended with an error. */
    void failed(Call call, Throwable error) throws Throwable {
        call.fail(error, 0);
    }

    /** Calls at once where nobody says a number. */
    int concurrency() {
        return MANY;
    }

    /** The end: the function's own, if it has one. */
    final void stop() throws Exception {
        if (function instanceof AutoCloseable closeable) closeable.close();
    }
}
