package functions;

import com.google.cloud.functions.TypedFunction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** JSON in and out. */
public class Sums implements TypedFunction<Sums.Asked, Sums.Told> {
    /** What is asked. */
    public static class Asked {
        private List<Integer> numbers = new ArrayList<>();
        private String name;
    }

    /** What is answered: nothing of what is null, HTML escaped, transient fields left out. */
    public static class Told {
        final String name;
        final long sum;
        final double mean;
        final String missing = null;
        final Map<String, List<Integer>> parts;
        final transient int secret = 1;

        Told(String name, long sum, double mean, Map<String, List<Integer>> parts) {
            this.name = name;
            this.sum = sum;
            this.mean = mean;
            this.parts = parts;
        }
    }

    @Override
    public Told apply(Asked asked) {
        if (asked == null || asked.numbers.isEmpty()) return null;
        if ("throw".equals(asked.name)) throw new IllegalStateException("a secret");
        long sum = asked.numbers.stream().mapToLong(Integer::longValue).sum();
        return new Told(asked.name, sum, (double) sum / asked.numbers.size(), Map.of("all", asked.numbers));
    }
}
