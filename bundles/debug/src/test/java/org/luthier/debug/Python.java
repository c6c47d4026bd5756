package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A Python with the frameworks that models are recorded in, where there is one: {@code LUTHIER_PYTHON}, else {@code python3}. */
final class Python {
    private final String command =
            Optional.ofNullable(System.getenv("LUTHIER_PYTHON")).orElse("python3");

    /** Skips the test where a module is not installed. */
    void needs(String module) throws Exception {
        boolean there;
        try {
            there = start(Path.of("."), List.of(command, "-c", "import " + module))
                            .exitValue()
                    == 0;
        } catch (IOException e) {
            there = false;
        }
        Assumptions.assumeTrue(there, command + " with " + module + " is not here; LUTHIER_PYTHON names another");
    }

    /** Runs a script, which has to end well. */
    void run(Path directory, String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(command, "-B"));
        line.addAll(List.of(arguments));
        Path output = Files.createTempFile("luthier-python", ".txt");
        try {
            Process process = start(directory, line, output);
            assertEquals(0, process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            Files.delete(output);
        }
    }

    private static Process start(Path directory, List<String> line) throws IOException, InterruptedException {
        return start(directory, line, null);
    }

    private static Process start(Path directory, List<String> line, Path output)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(line)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(
                        output == null ? ProcessBuilder.Redirect.DISCARD : ProcessBuilder.Redirect.to(output.toFile()))
                .start();
        try {
            assertTrue(process.waitFor(5, TimeUnit.MINUTES), line + " takes too long");
            return process;
        } finally {
            process.destroyForcibly();
        }
    }
}
