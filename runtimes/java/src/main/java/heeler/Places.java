package heeler;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many calls at once there are threads for, where the number of processes, which counts them, is limited. */
final class Places {
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private Places() {}

    static int within(int wanted) {
        return within(wanted, CGROUP);
    }

    /** Half of what is left: the JVM and the function start threads of their own. Of either version of control groups. */
    static int within(int wanted, Path group) {
        for (Path folder : new Path[] {group, group.resolve("pids")}) {
            try {
                long left = number(folder, "pids.max") - number(folder, "pids.current");
                return (int) Math.max(1, Math.min(wanted, left / 2));
            } catch (IOException | NumberFormatException none) {
                // There is no limit here: no such file, or `max`.
            }
        }
        return wanted;
    }

    private static long number(Path folder, String file) throws IOException {
        return Long.parseLong(Files.readString(folder.resolve(file)).strip());
    }
}
