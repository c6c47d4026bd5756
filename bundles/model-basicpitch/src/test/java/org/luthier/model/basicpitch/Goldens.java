package org.luthier.model.basicpitch;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The committed model, recorded tensors, and the whole of a recording through the model. */
final class Goldens {
    static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    static final Path SAMPLE = ROOT.resolve("samples/vocadito14");
    /** Larger goldens beside the checkout; tests that read them are skipped where they are not. */
    static final Path REFERENCE = ROOT.resolve("../shared/reference/basicpitch");

    private Goldens() {}

    static boolean hasReference() {
        return Files.isDirectory(REFERENCE);
    }

    static FrameModel model(String kernels) {
        ModelDefinition definition = new ModelDefinition(
                "basic-pitch",
                "",
                "basic-pitch",
                null,
                null,
                "basic-pitch-notes",
                null,
                Map.of(),
                "",
                List.of(),
                "",
                "",
                null);
        BasicPitchFamily family = new BasicPitchFamily();
        try (Checkpoint checkpoint =
                Checkpoints.builtIn().open(ROOT.resolve("models/basic-pitch/basic-pitch.safetensors"))) {
            Model model = family.load(
                    definition,
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()),
                    new Execution("cpu", kernels, 1));
            return (FrameModel) model;
        }
    }

    /** All arrays of an .npz file, or the one of an .npy file as "array". */
    static Map<String, float[]> floats(Path file) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            Map<String, float[]> arrays = new HashMap<>();
            checkpoint.tensors().keySet().forEach(name -> arrays.put(name, checkpoint.floats(name)));
            return arrays;
        }
    }

    /** Copies what it is offered, by name. */
    static class Recorder implements Probe {
        final Map<String, INDArray> tensors = new ConcurrentHashMap<>();

        @Override
        public boolean wants(String name) {
            return true;
        }

        @Override
        public void tap(String name, Position at, INDArray tensor) {
            if (tensors.put(name, tensor.dup('c')) != null) {
                throw new AssertionError("offered twice: " + name);
            }
        }
    }

    /** Runs one window and records everything; also leaves the outputs in the result as output_0..2. */
    static Map<String, INDArray> trace(FrameModel model, float[] samples, int segment) {
        return trace(model, samples, segment, new Recorder());
    }

    static Map<String, INDArray> trace(FrameModel model, float[] samples, int segment, Recorder recorder) {
        try (Frontend.Session frontend = model.frontend().open(1);
                FrameModel.Session session = model.open(1)) {
            Position at = Position.segments(segment, 1);
            INDArray features = frontend.features(
                    cut(model, samples, segment, 1), lengths(model, samples, segment, 1), at, recorder);
            List<INDArray> outputs = session.run(features, at, recorder);
            for (int i = 0; i < outputs.size(); i++) {
                recorder.tensors.put("output_" + i, outputs.get(i).dup('c'));
            }
        }
        return recorder.tensors;
    }

    static int[] lengths(FrameModel model, float[] samples, int firstSegment, int rows) {
        return IntStream.range(firstSegment, firstSegment + rows)
                .map(segment -> model.frontend().framing().length(samples.length, segment))
                .toArray();
    }

    static INDArray cut(FrameModel model, float[] samples, int firstSegment, int rows) {
        int window = model.frontend().framing().window();
        float[] cut = new float[rows * window];
        for (int row = 0; row < rows; row++) {
            model.frontend().framing().cut(samples, firstSegment + row, cut, row * window);
        }
        return Nd4j.create(cut, new long[] {rows, window}, 'c');
    }

    /** The joined outputs of a whole recording, in the layout's order, [frames, bins] each. */
    static float[][] transcribe(FrameModel model, float[] samples, int batch) {
        FrameModel.Joining joining = model.joining();
        int segments = model.frontend().framing().segments(samples.length);
        int kept = joining.segmentFrames() - 2 * joining.trim();
        int frames = joining.frames(samples.length);
        int count = model.layout().outputs().size();
        float[][] joined = new float[count][];
        for (int o = 0; o < count; o++) {
            joined[o] = new float[frames * model.layout().outputs().get(o).bins()];
        }
        try (Frontend.Session frontend = model.frontend().open(batch);
                FrameModel.Session session = model.open(batch)) {
            for (int first = 0; first < segments; first += batch) {
                int rows = Math.min(batch, segments - first);
                Position at = Position.segments(first, rows);
                INDArray features = frontend.features(
                        cut(model, samples, first, rows), lengths(model, samples, first, rows), at, Probe.NONE);
                List<INDArray> outputs = session.run(features, at, Probe.NONE);
                for (int o = 0; o < count; o++) {
                    float[] values = HostFloats.copy(outputs.get(o));
                    int bins = (int) outputs.get(o).size(2);
                    for (int row = 0; row < rows; row++) {
                        int to = (first + row) * kept;
                        int length = Math.max(0, Math.min(kept, frames - to)) * bins;
                        System.arraycopy(
                                values,
                                (row * joining.segmentFrames() + joining.trim()) * bins,
                                joined[o],
                                Math.min(to, frames) * bins,
                                length);
                    }
                }
            }
        }
        return joined;
    }
}
