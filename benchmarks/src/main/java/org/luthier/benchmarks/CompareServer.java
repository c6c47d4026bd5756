package org.luthier.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.luthier.checkpoint.Checkpoints;

/**
 * Luthier's side of compare.py, which runs both sides in turns: reads a command a line and answers a line.
 *
 * <p>{@code window N}: milliseconds of each of N windows. {@code recording}: milliseconds of the whole recording.
 * {@code outputs FILE}: writes the joined outputs one after the other, little-endian float32.
 */
public final class CompareServer {
    private CompareServer() {}

    /**
     * @param arguments the checkout, the samples as .npy at the model's rate, kernels, workers
     */
    public static void main(String[] arguments) throws IOException {
        float[] samples = Checkpoints.builtIn().open(Path.of(arguments[1])).floats("array");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (BasicPitchRun run =
                new BasicPitchRun(Path.of(arguments[0]), arguments[2], Integer.parseInt(arguments[3]))) {
            System.out.println("ready");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ", 2);
                switch (words[0]) {
                    case "window" -> System.out.println(windows(run, samples, Integer.parseInt(words[1])));
                    case "recording" -> {
                        long start = System.nanoTime();
                        run.recording(samples);
                        System.out.println((System.nanoTime() - start) / 1e6);
                    }
                    case "outputs" -> {
                        write(run.recording(samples), Path.of(words[1]));
                        System.out.println("written");
                    }
                    default -> throw new IllegalArgumentException("unknown command: " + line);
                }
            }
        }
    }

    private static String windows(BasicPitchRun run, float[] samples, int count) {
        StringBuilder times = new StringBuilder();
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            run.window(samples, 1);
            times.append((System.nanoTime() - start) / 1e6).append(' ');
        }
        return times.toString().strip();
    }

    private static void write(float[][] outputs, Path file) throws IOException {
        int length = 0;
        for (float[] output : outputs) {
            length += output.length;
        }
        ByteBuffer bytes = ByteBuffer.allocate(length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] output : outputs) {
            bytes.asFloatBuffer().put(output);
            bytes.position(bytes.position() + output.length * Float.BYTES);
        }
        Files.write(file, bytes.array());
    }
}
