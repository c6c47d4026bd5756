package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Jazzer on every reader, each in a process of its own with a small heap; docs/fuzzing.md has counts and times.
 *
 * <p>The system property {@code luthier.fuzz.cases} is the number of cases for a reader. A finding is the test's failure; the input that
 * led to it lies in {@code target/fuzz}.
 */
@Tag("full")
class LongFuzzTest {
    private static final int CASES = Integer.getInteger("luthier.fuzz.cases", 1_000_000);

    /** Holds every seed, and keeps cases small. */
    private static final int LONGEST = 1 << 13;

    /** For one case; thousands of times what it takes. */
    private static final int PATIENCE_SECONDS = 60;

    private static final Pattern DONE = Pattern.compile("Done (\\d+) runs in (\\d+) second");

    @ParameterizedTest
    @EnumSource
    void guidedByCoverage(FuzzedReader reader) throws IOException, InterruptedException {
        Assumptions.assumeFalse(
                System.getProperty("os.name").equals("Linux")
                        && System.getProperty("os.arch").equals("aarch64"),
                "Jazzer has no driver for Linux on ARM");
        Path folder = Path.of("target", "fuzz", reader.name().toLowerCase(Locale.ROOT));
        Path corpus = Files.createDirectories(folder.resolve("corpus"));
        for (List<byte[]> seed : reader.seeds()) {
            byte[] input = FuzzedReader.join(seed);
            Files.write(corpus.resolve("seed-" + reader.seeds().indexOf(seed)), input);
        }
        Path log = folder.resolve("log.txt");
        int exit = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-XX:+UseSerialGC",
                        "-Dluthier.root=" + System.getProperty("luthier.root"),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + FuzzTarget.class.getName(),
                        "--target_args=" + reader,
                        "--instrumentation_includes=org.luthier.**",
                        "--custom_hook_includes=org.luthier.**",
                        // They allocate more than the readers, on the same thread.
                        "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.RegexRoadblocks",
                        "--reproducer_path=" + folder,
                        "-artifact_prefix=" + folder + "/",
                        "-runs=" + CASES,
                        "-max_len=" + LONGEST,
                        "-timeout=" + PATIENCE_SECONDS,
                        "-seed=20260101",
                        corpus.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start()
                .waitFor();
        String told = Files.readString(log);
        assertEquals(0, exit, () -> told.substring(Math.max(0, told.length() - 4000)));
        Matcher done = DONE.matcher(told);
        assertTrue(done.find(), "it did not end as it should, see " + log);
        assertTrue(Integer.parseInt(done.group(1)) >= CASES, told);
        System.out.printf(
                "%-20s %,d cases in %,d s%n", reader, Integer.parseInt(done.group(1)), Integer.parseInt(done.group(2)));
    }
}
