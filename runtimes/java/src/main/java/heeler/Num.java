package heeler;

import java.math.BigDecimal;

/** A number of JSON, with its own text. */
final class Num extends Number {
    private static final long serialVersionUID = 1;

    private final String text;

    Num(String text) {
        this.text = text;
    }

    @Override
    public int intValue() {
        return exact().intValueExact();
    }

    @Override
    public long longValue() {
        return exact().longValueExact();
    }

    @Override
    public float floatValue() {
        return Float.parseFloat(text);
    }

    @Override
    public double doubleValue() {
        return Double.parseDouble(text);
    }

    BigDecimal exact() {
        return new BigDecimal(text);
    }

    /** As a value that no type was asked for: whole numbers whole, if they are written so. */
    Number natural() {
        if (text.indexOf('.') >= 0 || text.indexOf('e') >= 0 || text.indexOf('E') >= 0) return doubleValue();
        BigDecimal whole = exact();
        if (whole.precision() > 18) return whole.toBigInteger();
        long value = whole.longValue();
        if ((int) value == value) return (int) value;
        return value;
    }

    @Override
    public String toString() {
        return text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Num num && num.text.equals(text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }
}
