package heeler;

/** A request that does not fit the function: its caller gets this status and nothing more. */
final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    final int status;

    Refused(int status, String message) {
        super(message);
        this.status = status;
    }

    Refused(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }
}
