package org.luthier.framework;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a command said and how it ended. While one runs, nothing else of this Java machine may print.
 *
 * @param code exit code
 * @param out lines on the standard output
 * @param err lines on the error stream
 */
record Words(int code, List<String> out, List<String> err) {
    static Words of(Luthier luthier, Object... words) {
        PrintStream outBefore = System.out;
        PrintStream errBefore = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            return new Words(luthier.run(words), lines(out), lines(err));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }

    private static List<String> lines(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8).lines().toList();
    }

    /** The lines of the error stream that are no progress. */
    List<String> complaints() {
        return err.stream().filter(line -> line.startsWith("luthier: ")).toList();
    }
}
