package org.luthier.debug.faults;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.debug.NameGlob;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;
import org.luthier.debug.Thresholds;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.debug.cause.Cause;
import org.luthier.debug.cause.Causes;
import org.luthier.debug.cause.WeightSource;
import org.luthier.debug.faults.Fault.Injection;

/**
 * samples/debug: a checkpoint with one fault on purpose, a recording of the model that it makes, and one of the model that it should make.
 * All of it is made here; with the system property {@code luthier.samples.write} it is written anew.
 */
class DebugSampleTest {
    private static final Path SAMPLE = Subjects.ROOT.resolve("samples/debug");
    private static final String CHECKPOINT = "models/mt3-tiny/checkpoint.safetensors";
    private static final String DEFINITION = "models/mt3-tiny/model.json";
    private static final String TRACE = "faulty.trace";
    private static final String REFERENCE = "reference.safetensors";
    private static final long MOST_BYTES = 1_000_000;

    /**
     * Largest difference of a number made on another processor, of the larger of 1 and the largest number: libraries sum in an order of their
     * own. Single precision has 6e-8, and what lies behind four blocks has gathered some ten times that.
     */
    private static final double ROUNDING = 3e-6;

    @TempDir
    Path folder;

    /** Writes the sample. */
    private static void make(Path target) throws IOException {
        Subject subject = Subjects.tinyMt3();
        List<Injection> faults = Mt3Faults.of(subject).stream()
                .filter(fault -> fault.id().equals("reshaped-wi"))
                .map(Fault::injection)
                .toList();
        Path checkpoint = target.resolve(CHECKPOINT);
        Files.createDirectories(checkpoint.getParent());
        Files.writeString(target.resolve(DEFINITION), json(subject.definition()));
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        subject.faulty(faults)
                .byName()
                .forEach((name, value) -> tensors.add(SafetensorsWriter.Tensor.of(
                        name,
                        value.numbers(),
                        value.shape().stream().mapToLong(Long::longValue).toArray())));
        try (var out = Files.newOutputStream(checkpoint)) {
            SafetensorsWriter.write(out, Map.of(), tensors);
        }
        subject.reference().write(target.resolve(REFERENCE), true);
        try (Model model = subject.load(faults);
                Checkpoint written = Checkpoints.builtIn().open(checkpoint)) {
            new Tracer(model)
                    .trace(new TraceInput.Recorded(subject.reference(), null), NameGlob.ALL, Cancellation.NONE)
                    .of(checkpoint, written.sha256())
                    .write(target.resolve(TRACE), true);
        }
    }

    private static String json(ModelDefinition definition) throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("id", definition.id());
        fields.put("title", definition.title());
        fields.put("family", definition.family());
        fields.put("tokenizer", definition.tokenizer());
        fields.put("decoder", definition.decoder());
        fields.put("assembler", definition.assembler());
        fields.put("configuration", definition.configuration());
        fields.put("weights", definition.weights());
        fields.put("sources", definition.sources());
        fields.put("licence", definition.licence());
        fields.put("citation", definition.citation());
        return JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build()
                        .writeValueAsString(fields)
                + "\n";
    }

    @Test
    void theFilesAreWhatIsMadeHere() throws IOException {
        if (Boolean.getBoolean("luthier.samples.write")) {
            make(SAMPLE);
        }
        make(folder);
        for (String file : List.of(CHECKPOINT, DEFINITION)) {
            assertArrayEquals(Files.readAllBytes(folder.resolve(file)), Files.readAllBytes(SAMPLE.resolve(file)), file);
        }
        for (String file : List.of(TRACE, REFERENCE)) {
            try (Reference made = Reference.open(folder.resolve(file), List.of());
                    Reference kept = Reference.open(SAMPLE.resolve(file), List.of())) {
                assertEquals(made.names(), kept.names(), file);
                assertEquals(made.header(), kept.header(), file);
                assertEquals(made.origin().sha256(), kept.origin().sha256(), file);
                assertEquals(made.origin().computations(), kept.origin().computations(), file);
                made.names().forEach(name -> assertSame(made.tensor(name), kept.tensor(name)));
            }
        }
        for (String file : List.of(CHECKPOINT, TRACE, REFERENCE)) {
            assertTrue(Files.size(SAMPLE.resolve(file)) < MOST_BYTES, file);
        }
    }

    private static void assertSame(RecordedTensor made, RecordedTensor kept) {
        assertEquals(made.shape(), kept.shape(), made.name());
        double largest = 1;
        double difference = 0;
        for (int i = 0; i < made.values().length; i++) {
            float a = made.values()[i];
            float b = kept.values()[i];
            if (Float.isFinite(a) && Math.abs(a) < 1e9) {
                largest = Math.max(largest, Math.abs(a));
                difference = Math.max(difference, Math.abs((double) a - b));
            } else {
                assertEquals(a, b, made.name());
            }
        }
        assertTrue(difference <= ROUNDING * largest, made.name() + " differs by " + difference);
    }

    /** What README's third command shows. */
    @Test
    void theCulpritIsNamed() {
        try (Reference trace = Reference.open(SAMPLE.resolve(TRACE), List.of());
                Reference reference = Reference.open(SAMPLE.resolve(REFERENCE), List.of());
                Checkpoint weights = Checkpoints.builtIn().open(trace.origin().checkpoint())) {
            assertEquals(weights.sha256(), trace.origin().sha256());
            TraceDiff diff = TraceDiff.compare(trace, reference, Thresholds.FLOAT32);
            assertEquals(List.of("encoder.layer1.mlp.wi_0_act"), diff.departed(), diff.table());
            List<Cause> causes = new Causes(trace.graph().computations(), WeightSource.of(weights), Thresholds.FLOAT32)
                    .of(diff.departed(), trace, reference);
            assertEquals(1, causes.size());
            assertTrue(causes.get(0).cause().startsWith("reshaped instead of transposed"), causes.toString());
        }
    }
}
