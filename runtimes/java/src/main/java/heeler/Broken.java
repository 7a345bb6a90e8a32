package heeler;

/** heeler broke the protocol: there is no way to go on with it. */
final class Broken extends RuntimeException {
    private static final long serialVersionUID = 1;

    Broken(String message) {
        super(message);
    }
}
