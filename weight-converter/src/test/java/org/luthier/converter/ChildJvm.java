package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Programs in a Java machine of their own, with a heap that is small. */
final class ChildJvm {
    private ChildJvm() {}

    /**
     * Runs the converter's main, which must succeed.
     *
     * @param heapMegabytes all that it may use
     * @param log file for what it says
     * @return seconds, the start of the machine included
     */
    static double convert(int heapMegabytes, Path log, String... arguments) throws IOException, InterruptedException {
        return run(Main.class, List.of("-Xmx" + heapMegabytes + "m"), log, arguments);
    }

    /** Runs any main in a machine with some options, as the converter's. */
    static double run(Class<?> main, List<String> options, Path log, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        long begin = System.nanoTime();
        int exit = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start()
                .waitFor();
        assertEquals(0, exit, () -> read(log));
        return (System.nanoTime() - begin) / 1e9;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
