package org.luthier.workbench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Posteriorgram;
import org.luthier.api.notes.Posteriorgrams;
import org.luthier.api.plugin.Settings;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Samples to segments to posteriorgrams to notes. Each worker takes the next group of segments and writes its frames to their place,
 * so that the result does not depend on how many workers there are.
 */
record FrameRecipe(FrameModel model, FrameNoteAssembler assembler, Settings settings) implements Recipe {
    /** Largest array that every Java machine can make. */
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    @Override
    public Outcome transcribe(Source source, Run run) {
        if (run.listeners().keeper() != null) {
            throw notKept(model.definition());
        }
        // The samples are nobody's once the frames are there: an hour of them is 300 MB.
        Frames frames = frames(source.read(model.frontend().framing().sampleRate()), run);
        long begin = Phases.now();
        run.listeners().progress().update("notes", 0, 1);
        List<Note> notes = assembler.assemble(frames.posteriorgrams(), settings, run.cancellation());
        run.listeners().progress().update("notes", 1, 1);
        run.phases().add(Phases.Phase.NOTES, begin);
        List<Note> result = List.copyOf(notes);
        run.listeners().notes().told(result);
        return new Outcome(frames.audio(), frames.seconds(), result, List.of(), 0, 0, List.of(), List.of());
    }

    static LuthierException notKept(ModelDefinition definition) {
        return new LuthierException("a job of model " + definition.id()
                + " cannot be kept: it writes no tokens that could be decoded again; leave out --keep");
    }

    private record Frames(AudioFacts audio, double seconds, Posteriorgrams posteriorgrams) {}

    private Frames frames(Recording recording, Run run) {
        long begin = Phases.now();
        int count = model.joining().frames(recording.samples().length);
        List<Posteriorgram> joined = new ArrayList<>();
        for (FrameLayout.Output output : model.layout().outputs()) {
            if ((long) count * output.bins() > MAX_ARRAY) {
                throw new LuthierException(String.format(
                        "%s: %.1f hours are too long for %s (%d frames of %d bins); cut the recording into parts",
                        recording.facts().file(),
                        recording.seconds() / 3600,
                        model.definition().id(),
                        count,
                        output.bins()));
            }
            joined.add(new Posteriorgram(output.name(), count, output.bins(), new float[count * output.bins()]));
        }
        Segments segments = new Segments(recording.samples(), joined, run);
        int workers = Math.min(run.workers(), segments.groups);
        Workers.run(run.name() + "-worker", workers, run.cancellation(), segments::work);
        run.phases().divide(segments.work, begin);
        return new Frames(
                recording.facts(),
                recording.seconds(),
                new Posteriorgrams(model.layout(), model.joining().clock(), joined));
    }

    /** The segments of a recording, dealt out to the workers in groups. */
    private final class Segments {
        private final float[] samples;
        private final List<Posteriorgram> joined;
        private final Run run;
        private final int count;
        private final int batch;
        private final int groups;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final Phases.Work work = new Phases.Work();

        private Segments(float[] samples, List<Posteriorgram> joined, Run run) {
            this.samples = samples;
            this.joined = joined;
            this.run = run;
            this.count = model.frontend().framing().segments(samples.length);
            this.batch = run.batch() == null ? 1 : run.batch();
            this.groups = (int) (((long) count + batch - 1) / batch);
        }

        /** What one worker does. */
        private void work(Cancellation stop) {
            int rows = Math.min(batch, count);
            try (SegmentFeatures features = new SegmentFeatures(model.frontend(), samples, rows);
                    FrameModel.Session network = model.open(rows)) {
                for (int group = next.getAndIncrement(); group < groups; group = next.getAndIncrement()) {
                    stop.check();
                    int first = group * rows;
                    Position at = Position.segments(first, Math.min(rows, count - first));
                    run(at, features, network, stop);
                    run.listeners().progress().update("windows", done.addAndGet(at.rows()), count);
                }
            }
        }

        private void run(Position at, SegmentFeatures frontend, FrameModel.Session network, Cancellation stop) {
            long begin = Phases.now();
            // [rows, feature shape...]
            INDArray features = frontend.of(at, Probe.NONE);
            begin = work.add(Phases.Phase.FRONTEND, begin);
            stop.check();
            // each [rows, segment frames, bins]
            List<INDArray> outputs = network.run(features, at, Probe.NONE);
            for (int i = 0; i < outputs.size(); i++) {
                join(outputs.get(i), at, joined.get(i));
            }
            work.add(Phases.Phase.ENCODER, begin);
        }

        /** Lays the inner frames of each segment at their place in the recording. */
        private void join(INDArray output, Position at, Posteriorgram target) {
            float[] values = Tensors.floats(output);
            int trim = model.joining().trim();
            int segmentFrames = model.joining().segmentFrames();
            int kept = segmentFrames - 2 * trim;
            int bins = target.bins();
            for (int row = 0; row < at.rows(); row++) {
                int start = at.segment(row) * kept;
                int frames = Math.min(kept, target.frames() - start);
                if (frames > 0) {
                    System.arraycopy(
                            values, (row * segmentFrames + trim) * bins, target.values(), start * bins, frames * bins);
                }
            }
        }
    }
}
