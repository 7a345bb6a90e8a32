package styles;

import java.util.function.Function;

/** The JDK's own interface. */
public class Bytes implements Function<byte[], byte[]> {
    @Override
    public byte[] apply(byte[] body) {
        byte[] turned = body.clone();
        for (int at = 0; at < body.length; at++) turned[at] = body[body.length - 1 - at];
        return turned;
    }
}
