package org.luthier.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Asks whether this machine has a GPU that ND4J's CUDA build has code for, before anything of its 2.4 GB is fetched.
 *
 * <p>nd4j-cuda-11.6 1.0.0-M2.1 holds machine code for compute capability 3.7 to 8.6 and no intermediate code (PTX), from which a newer
 * GPU could make its own; within a major version older code runs, so 8.9 is the last. This class stands alone: a fresh checkout runs it
 * from its source.
 */
public final class GpuCheck {
    private static final double OLDEST = 3.7;
    private static final double NEWEST = 8.9;
    private static final int PATIENCE_SECONDS = 10;

    private GpuCheck() {}

    /** Prints the number of the first usable GPU, or says in one line on the error stream why there is none and exits with 1. */
    public static void main(String[] arguments) {
        try {
            System.out.println(firstUsable(gpus()));
        } catch (IllegalStateException e) {
            System.err.println("luthier: --backend nd4j-cuda: " + e.getMessage());
            System.exit(1);
        }
    }

    /** A GPU as the driver's tool tells of it. */
    record Gpu(int index, String name, String capability) {
        boolean usable() {
            try {
                double value = Double.parseDouble(capability);
                return value >= OLDEST && value <= NEWEST;
            } catch (NumberFormatException e) {
                return false;
            }
        }

        @Override
        public String toString() {
            return name + " (compute capability " + capability + ")";
        }
    }

    private static int firstUsable(List<Gpu> gpus) {
        return gpus.stream()
                .filter(Gpu::usable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("ND4J's CUDA code runs on compute capability " + OLDEST
                        + " to " + NEWEST
                        + "; found "
                        + String.join(", ", gpus.stream().map(Gpu::toString).toList())
                        + "; use --backend cpu"))
                .index();
    }

    private static List<Gpu> gpus() {
        List<String> lines = ask();
        List<Gpu> gpus = new ArrayList<>();
        for (String line : lines) {
            String[] fields = line.split(",");
            if (fields.length < 3 || !fields[0].strip().matches("[0-9]{1,4}")) {
                throw none("nvidia-smi answers '" + line.strip() + "'");
            }
            // A name may hold a comma; the number is first and the capability last.
            String name = String.join(",", List.of(fields).subList(1, fields.length - 1))
                    .strip();
            gpus.add(new Gpu(Integer.parseInt(fields[0].strip()), name, fields[fields.length - 1].strip()));
        }
        if (gpus.isEmpty()) {
            throw none("nvidia-smi lists none");
        }
        return gpus;
    }

    private static List<String> ask() {
        Path answer = null;
        try {
            answer = Files.createTempFile("luthier-gpus-", ".txt");
            // Into a file: a tool that hangs keeps a pipe open, and reading it would hang too.
            Process tool = new ProcessBuilder(
                            "nvidia-smi", "--query-gpu=index,name,compute_cap", "--format=csv,noheader")
                    .redirectErrorStream(true)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(answer.toFile())
                    .start();
            if (!tool.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                tool.destroyForcibly();
                throw none("nvidia-smi did not answer within " + PATIENCE_SECONDS + " s");
            }
            List<String> lines = new String(Files.readAllBytes(answer), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
            if (tool.exitValue() != 0) {
                throw none("nvidia-smi failed with " + tool.exitValue()
                        + (lines.isEmpty() ? "" : ": " + lines.get(0).strip()));
            }
            return lines;
        } catch (IOException e) {
            throw none("nvidia-smi is not there, or cannot be run");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw none("interrupted");
        } finally {
            if (answer != null) {
                answer.toFile().delete();
            }
        }
    }

    private static IllegalStateException none(String why) {
        return new IllegalStateException("no usable NVIDIA GPU found (" + why + "); use --backend cpu");
    }
}
