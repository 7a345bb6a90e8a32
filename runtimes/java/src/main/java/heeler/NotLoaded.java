package heeler;

/** The function cannot be loaded; what is said of it names what was looked for and what there is. */
final class NotLoaded extends Exception {
    private static final long serialVersionUID = 1;

    NotLoaded(String message) {
        super(message);
    }

    NotLoaded(String message, Throwable cause) {
        super(message, cause);
    }
}
