package org.luthier.benchmarks;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.model.mt3.Mt3Family;

/** What a trace of one segment of MT3 with every tap costs, beside the same run without taps and the writing of the file. */
public final class TraceRun {
    private static final int ROUNDS = 9;

    private TraceRun() {}

    /** @param args the folder of the model.json, the checkpoint, a reference of one segment as input */
    public static void main(String[] args) throws IOException {
        ModelFamily family = new Mt3Family();
        try (Model model = load(family, Path.of(args[0]), Path.of(args[1]))) {
            TraceInput input = TraceInput.read(Path.of(args[2]), model, family.referenceAdapters(), null)
                    .orElseThrow();
            Path file = Files.createTempFile("luthier", ".trace");
            double[] plain = new double[ROUNDS];
            double[] traced = new double[ROUNDS];
            double[] written = new double[ROUNDS];
            // The first round warms up.
            for (int round = -1; round < ROUNDS; round++) {
                int at = Math.max(round, 0);
                long start = System.nanoTime();
                // The tokens, since a run that nobody asks for them does not write any.
                new Tracer(model).trace(input, NameGlob.of(Tracer.TOKENS), Cancellation.NONE);
                plain[at] = seconds(start);
                start = System.nanoTime();
                Reference trace = new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
                traced[at] = seconds(start);
                start = System.nanoTime();
                trace.write(file, true);
                written[at] = seconds(start);
            }
            System.out.printf(
                    "without taps, tokens alone, %.3f s, with every tap %.3f s (%.2f times), writing %.0f MB %.3f s; peak memory of the process %s%n",
                    median(plain),
                    median(traced),
                    median(traced) / median(plain),
                    Files.size(file) / 1e6,
                    median(written),
                    peak());
            Files.delete(file);
        }
    }

    private static Model load(ModelFamily family, Path folder, Path checkpoint) throws IOException {
        ModelDefinition definition = JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build()
                .readValue(folder.resolve("model.json").toFile(), ModelDefinition.class);
        try (Checkpoint opened = Checkpoints.builtIn().open(checkpoint)) {
            return family.load(
                    definition,
                    NameRules.choose(family.nameRules(), opened).apply(opened, family.id()),
                    new Execution("cpu", "cpu", 1));
        }
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Of the whole process, natives included; only Linux tells. */
    private static String peak() throws IOException {
        Path status = Path.of("/proc/self/status");
        return Files.exists(status)
                ? Files.readAllLines(status).stream()
                                .filter(line -> line.startsWith("VmHWM"))
                                .findFirst()
                                .orElseThrow()
                                .replaceAll("\\D+", "")
                        + " kB"
                : "unknown";
    }
}
