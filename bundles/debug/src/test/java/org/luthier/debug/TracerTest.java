package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.checkpoint.SafetensorsWriter;
import org.nd4j.linalg.factory.Nd4j;

class TracerTest {
    private static final List<String> ALL =
            List.of("frontend.in", "frontend.magnitude", "frontend.log", "narrow", "wide", "out.in", "out");

    private final Tracer tracer = new Tracer(new TinyModel());
    private final float[] samples = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    private final TraceInput sound = new TraceInput.Samples(samples, List.of(0, 2));

    @TempDir
    Path folder;

    @Test
    void recordsEverythingInOrderOfExecution() {
        Reference trace = trace(tracer, sound);
        assertEquals(ALL, trace.names());
        assertEquals(new Reference.Header("tiny", "luthier", "float32", "none", List.of(0, 2), true), trace.header());
        // Two zeros lead, hop 4: segment 0 holds samples -2 to 5, segment 2 holds 6 to 13.
        RecordedTensor in = trace.tensor("frontend.in");
        assertEquals(List.of(2, 8), in.shape());
        assertArrayEquals(new float[] {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0}, in.values());
        RecordedTensor narrow = trace.tensor("narrow");
        assertEquals(List.of(2, 4, 2), narrow.shape());
        // Feature 1 of frame 1 of segment 0 is 2 * 2 + 1; the weight is -1.5.
        assertEquals(-7.5f, narrow.values()[3]);
    }

    /** A layer alone is fed what was recorded, whatever the layers before it make now. */
    @Test
    void oneLayerAlone() {
        Reference reference = trace(tracer, sound);
        Tracer changed = new Tracer(new TinyModel().with("narrow.weight", 0.7f).with("out.weight", 2));
        assertEquals(List.of("narrow", "wide"), changed.inputs("out"));
        Reference alone = changed.traceLayer(new TraceInput.Recorded(reference, null), "out", Cancellation.NONE);
        assertEquals(List.of("narrow", "wide", "out.in", "out"), alone.names());
        TraceDiff diff = TraceDiff.compare(alone, reference, Thresholds.FLOAT32);
        assertEquals(List.of("out"), diff.departed(), diff.table());
        assertArrayEquals(
                reference.tensor("narrow").values(), alone.tensor("narrow").values());
        // From sound it is fed what the model makes.
        Reference heard = changed.traceLayer(sound, "out", Cancellation.NONE);
        assertEquals(alone.names(), heard.names());
        assertEquals(
                "narrow",
                TraceDiff.compare(heard, reference, Thresholds.FLOAT32).first());
        assertEquals(
                "no layer 'in'; tiny has tiny, frontend, narrow, wide, out",
                assertThrows(LuthierException.class, () -> changed.traceLayer(sound, "in", Cancellation.NONE))
                        .getMessage());
    }

    @Test
    void refusesWhatAnotherFamilyRecorded() {
        Reference reference = trace(tracer, sound);
        assertEquals(
                "cannot run tokens, of model family 'tokens', on what trace of tiny recorded of family 'tiny'; say with"
                        + " --model or --checkpoint which model it is",
                assertThrows(
                                LuthierException.class,
                                () -> new Tracer(new TinyTokenModel())
                                        .trace(
                                                new TraceInput.Recorded(reference, null),
                                                NameGlob.ALL,
                                                Cancellation.NONE))
                        .getMessage());
    }

    @Test
    void keepsOnlyWhatIsChosen() {
        assertEquals(
                List.of("frontend.log", "out.in"),
                tracer.trace(sound, NameGlob.of("*log,out.*"), Cancellation.NONE)
                        .names());
        LuthierException e = assertThrows(
                LuthierException.class, () -> tracer.trace(sound, NameGlob.of("contour1"), Cancellation.NONE));
        assertTrue(
                e.getMessage().startsWith("no layer matches 'contour1'; tiny has frontend.in, frontend.magnitude"),
                e.getMessage());
    }

    @Test
    void oneChangedWeightIsNamed() {
        Reference reference = trace(tracer, sound);
        for (String layer : List.of("narrow", "wide", "out")) {
            Tracer changed = new Tracer(new TinyModel().with(layer + ".weight", 2.01f));
            TraceDiff diff = TraceDiff.compare(trace(changed, sound), reference, Thresholds.FLOAT32);
            assertEquals(layer, diff.first(), diff.table());
            assertEquals(
                    layer.equals("out") ? 0 : 2,
                    diff.tensors().stream()
                            .filter(tensor -> tensor.verdict() == Verdict.INHERITED)
                            .count());
            assertEquals(diff.tensors(), compareWhileRunning(changed, reference).tensors());
        }
        assertTrue(compareWhileRunning(tracer, reference).clean());
    }

    @Test
    void recordedInputsKeepTheFrontEndsFaultsFromTheNetwork() throws IOException {
        Reference healthy = trace(tracer, sound);
        List<RecordedTensor> tensors = new ArrayList<>();
        for (String name : ALL) {
            RecordedTensor tensor = healthy.tensor(name);
            float[] values = tensor.values().clone();
            if (name.equals("frontend.log")) {
                values[0] += 1;
            }
            tensors.add(RecordedTensor.of(name, values, tensor.shape()));
        }
        Reference recorded = Reference.of("recorded", healthy.header(), tensors);
        Reference again = trace(tracer, new TraceInput.Recorded(recorded, null));
        assertFalse(again.header().ownFeatures());
        // The front end is judged on its own, the network ran on the recorded features.
        assertEquals(
                "frontend.log",
                TraceDiff.compare(again, recorded, Thresholds.FLOAT32).first());
        assertEquals(
                healthy.tensor("narrow").values()[0] + 0.5f,
                again.tensor("narrow").values()[0]);
        // Without recorded features, the front end's go on.
        Reference soundOnly = Reference.of("sound", healthy.header(), List.of(healthy.tensor("frontend.in")));
        assertEquals(
                List.of(),
                departed(TraceDiff.compare(
                        trace(tracer, new TraceInput.Recorded(soundOnly, null)), healthy, Thresholds.FLOAT32)));
        // Without samples, there is no front end to run; the trace still holds its inputs.
        Reference featuresOnly = Reference.of("features", healthy.header(), List.of(healthy.tensor("frontend.log")));
        assertEquals(
                List.of("frontend.log", "narrow", "wide", "out.in", "out"),
                trace(tracer, new TraceInput.Recorded(featuresOnly, null)).names());
        Reference neither = Reference.of("neither", healthy.header(), List.of(healthy.tensor("narrow")));
        LuthierException e =
                assertThrows(LuthierException.class, () -> trace(tracer, new TraceInput.Recorded(neither, null)));
        assertEquals(
                "neither holds no inputs to run the model on: expected frontend.log or frontend.in, whole, got narrow",
                e.getMessage());
    }

    @Test
    void readsInputsOfEveryKind() throws IOException {
        Path file = folder.resolve("input");
        Reference healthy = trace(tracer, sound);
        healthy.write(file, false);
        Reference inputs = ((TraceInput.Recorded) read(file, null)).reference();
        assertEquals(List.of("frontend.in", "frontend.log"), inputs.names());
        assertEquals(List.of(2), trace(tracer, read(file, List.of(2))).header().segments());
        assertArrayEquals(
                Arrays.copyOfRange(healthy.tensor("out").values(), 8, 16),
                trace(tracer, read(file, List.of(2))).tensor("out").values());
        LuthierException missing = assertThrows(LuthierException.class, () -> trace(tracer, read(file, List.of(1))));
        assertEquals("input holds the segments [0, 2], asked for [1]", missing.getMessage());
        write(file, SafetensorsWriter.Tensor.of("x", samples, 10));
        assertEquals(List.of(0, 1, 2), ((TraceInput.Samples) read(file, null)).segments());
        assertEquals(List.of(1), ((TraceInput.Samples) read(file, List.of(1))).segments());
        write(file, SafetensorsWriter.Tensor.of("x", new float[8], 4, 2));
        assertEquals(List.of(0), ((TraceInput.Features) read(file, null)).segments());
        write(file, SafetensorsWriter.Tensor.of("x", new float[24], 3, 4, 2));
        assertEquals(List.of(0, 1, 2), ((TraceInput.Features) read(file, null)).segments());
        write(file, SafetensorsWriter.Tensor.of("x", new float[24], 3, 2, 4));
        LuthierException e = assertThrows(LuthierException.class, () -> read(file, null));
        assertTrue(
                e.getMessage().contains("features of shape [4, 2]")
                        && e.getMessage().contains("got [3, 2, 4]"),
                e.getMessage());
        Files.writeString(file, "RIFF, or so");
        assertEquals(Optional.empty(), TraceInput.read(file, new TinyModel(), List.of(), null));
    }

    @Test
    void refusesWhatDoesNotFit() {
        LuthierException e =
                assertThrows(LuthierException.class, () -> trace(tracer, new TraceInput.Samples(samples, List.of(3))));
        assertEquals("no segment 3: the recording has segments 0 to 2", e.getMessage());
        assertThrows(LuthierException.class, () -> trace(tracer, new TraceInput.Features(new float[9], List.of(0))));
        assertThrows(CancelledException.class, () -> tracer.run(sound, Probe.NONE, () -> true));
    }

    @Test
    void workersMayTapAtOnce() throws Exception {
        RecordingProbe probe = new RecordingProbe(NameGlob.ALL);
        ExecutorService workers = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int segment = 0; segment < 16; segment++) {
                int number = segment;
                running.add(workers.submit(() -> {
                    for (String name : ALL) {
                        probe.tap(name, Position.segments(2 * number, 2), Nd4j.valueArrayOf(new long[] {2, 3}, (float)
                                number));
                    }
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } finally {
            workers.shutdown();
        }
        Reference recorded = probe.recorded("all", "tiny");
        assertEquals(ALL, recorded.names());
        assertEquals(32, recorded.header().segments().size());
        for (String name : ALL) {
            RecordedTensor tensor = recorded.tensor(name);
            assertEquals(List.of(32, 3), tensor.shape());
            for (int i = 0; i < tensor.values().length; i++) {
                assertEquals(i / 6, tensor.values()[i]);
            }
        }
    }

    @Test
    void copiesOfViewsAreRowMajor() {
        RecordingProbe probe = new RecordingProbe(NameGlob.ALL);
        probe.tap(
                "view",
                Position.segments(0, 3),
                Nd4j.createFromArray(new float[][] {{1, 2, 3}, {4, 5, 6}}).transpose());
        assertArrayEquals(
                new float[] {1, 4, 2, 5, 3, 6},
                probe.recorded("t", "tiny").tensor("view").values());
    }

    private TraceInput read(Path file, List<Integer> segments) {
        return TraceInput.read(file, new TinyModel(), List.of(), segments).orElseThrow();
    }

    private static void write(Path file, SafetensorsWriter.Tensor tensor) throws IOException {
        try (var out = Files.newOutputStream(file)) {
            SafetensorsWriter.write(out, Map.of(), List.of(tensor));
        }
    }

    private static List<String> departed(TraceDiff diff) {
        assertFalse(diff.tensors().isEmpty());
        return diff.tensors().stream()
                .filter(tensor -> tensor.verdict() != Verdict.SAME)
                .map(TensorDiff::name)
                .toList();
    }

    private static Reference trace(Tracer tracer, TraceInput input) {
        return tracer.trace(input, NameGlob.ALL, Cancellation.NONE);
    }

    private TraceDiff compareWhileRunning(Tracer tracer, Reference reference) {
        ComparingProbe probe = new ComparingProbe(reference, Thresholds.FLOAT32);
        tracer.run(sound, probe, Cancellation.NONE);
        return probe.result();
    }
}
