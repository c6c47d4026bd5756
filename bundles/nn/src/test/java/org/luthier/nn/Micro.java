package org.luthier.nn;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** Values of single computations of YourMT3+, beside the repository; a test that needs them is skipped where they are not. */
public final class Micro {
    private static final Path FILE =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/micro.json");
    private static final Pattern NUMBER = Pattern.compile("-?[0-9][-+.0-9eE]*");

    private final String json;

    private Micro(String json) {
        this.json = json;
    }

    /** All of it. */
    public static Micro values() throws IOException {
        Assumptions.assumeTrue(Files.isRegularFile(FILE), "no reference values at " + FILE);
        return new Micro(Files.readString(FILE));
    }

    /** What is under a key that comes after others. */
    public float[] floats(String... keys) {
        int from = 0;
        for (String key : keys) {
            int found = json.indexOf('"' + key + "\":", from);
            if (found < 0) {
                throw new IllegalArgumentException("micro.json: no " + List.of(keys));
            }
            from = found + key.length() + 3;
        }
        int end = from;
        int depth = 0;
        do {
            char c = json.charAt(end++);
            depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        } while (depth > 0 || json.charAt(end - 1) != ']');
        List<String> numbers = NUMBER.matcher(json.substring(from, end))
                .results()
                .map(MatchResult::group)
                .toList();
        float[] values = new float[numbers.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.parseFloat(numbers.get(i));
        }
        return values;
    }
}
