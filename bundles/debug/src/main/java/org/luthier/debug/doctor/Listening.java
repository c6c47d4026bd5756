package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.audio.Recording;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Model;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Has a model hear the loudest seconds of a recording, and looks at what becomes of them. It ends at the first stage where something is
 * wrong: everything behind would follow from it.
 */
final class Listening {
    private final Model model;
    private final Recording recording;
    private final Excerpt excerpt;
    private final Notebook notes;
    private final Cancellation cancellation;
    private final String checkpoint;
    private final String audio;

    /**
     * @param checkpoint path, for commands
     * @param audio path, for commands
     */
    Listening(
            Model model, Recording recording, Path checkpoint, Path audio, Notebook notes, Cancellation cancellation) {
        this.model = model;
        this.recording = recording;
        this.excerpt = Excerpt.of(recording.samples(), model.frontend().framing());
        this.notes = notes;
        this.cancellation = cancellation;
        this.checkpoint = checkpoint.toString();
        this.audio = audio.toString();
    }

    /** Records what is inside, for a comparison with a reference. */
    private String trace(String... more) {
        List<Object> words = new ArrayList<>(List.of(
                "layer:trace",
                "--model",
                model.definition().id(),
                "--checkpoint",
                checkpoint,
                "--audio",
                audio,
                "--segment",
                excerpt.first()));
        words.addAll(List.of(more));
        words.addAll(List.of("-o", "own.trace"));
        return Notebook.command(words.toArray());
    }

    void examine(Tokenizer tokenizer, Decoder decoder, NoteAssembler assembler) {
        if (model instanceof FrameModel frames) {
            frames(frames, (FrameNoteAssembler) assembler);
        } else {
            tokens((TokenModel) model, tokenizer, decoder, (TokenNoteAssembler) assembler);
        }
    }

    /** What is done with the features of a segment. */
    private interface Network {
        void hear(int segment, INDArray features, Position at);
    }

    private void each(Latest probe, Network network) {
        ActivationsStage activations = new ActivationsStage(trace(), notes);
        try (Frontend.Session front = model.frontend().open(1)) {
            for (int i = 0; i < excerpt.count() && !notes.has(Stage.FEATURES) && !notes.has(Stage.ENCODER); i++) {
                cancellation.check();
                int segment = excerpt.first() + i;
                Position at = Position.segments(segment, 1);
                try (INDArray samples = excerpt.segment(segment)) {
                    INDArray features = front.features(samples, new int[] {excerpt.length(segment)}, at, probe);
                    Map<String, Latest.Tapped> tapped = probe.take();
                    activations.examine(Stage.FEATURES, segment, tapped);
                    List<String> names = List.copyOf(tapped.keySet());
                    if (!names.isEmpty()) {
                        String last = names.get(names.size() - 1);
                        activations.floor(segment, last, tapped.get(last));
                    }
                    if (!notes.has(Stage.FEATURES)) {
                        network.hear(segment, features, at);
                        activations.examine(Stage.ENCODER, segment, probe.take());
                    }
                }
            }
        }
    }

    private boolean isSound() {
        return !notes.has(Stage.FEATURES) && !notes.has(Stage.ENCODER) && !notes.has(Stage.DECODER);
    }

    private void frames(FrameModel frames, FrameNoteAssembler assembler) {
        NotesStage found = new NotesStage(frames, assembler, excerpt.count(), trace(), notes);
        Latest probe = new Latest();
        try (FrameModel.Session network = frames.open(1)) {
            each(probe, (segment, features, at) -> found.add(network.run(features, at, probe)));
        }
        if (isSound()) {
            found.examine(excerpt.seconds(), cancellation);
        }
    }

    private void tokens(TokenModel tokens, Tokenizer tokenizer, Decoder decoder, TokenNoteAssembler assembler) {
        List<INDArray> encoded = new ArrayList<>();
        Latest probe = new Latest();
        try (Session session = tokens.open(1, probe)) {
            each(probe, (segment, features, at) -> {
                session.begin(features, at);
                encoded.add(session.encoded().dup('c'));
            });
        }
        if (isSound()) {
            new DecoderStage(tokens, trace("--cached"), notes)
                    .examine(encoded.get(0), Position.segments(excerpt.first(), 1), cancellation);
        }
        if (isSound()) {
            List<SegmentTokens> said = said(tokens, tokenizer, decoder, encoded);
            new SpeechStage(tokenizer, trace(), notes).examine(said, assembler, recording.facts(), excerpt.seconds());
        }
        encoded.forEach(INDArray::close);
    }

    private List<SegmentTokens> said(TokenModel tokens, Tokenizer tokenizer, Decoder decoder, List<INDArray> encoded) {
        List<SegmentTokens> segments = new ArrayList<>();
        Framing framing = model.frontend().framing();
        Decoder.Limits limits =
                new Decoder.Limits(tokenizer.vocabulary(), tokens.layout().maxTokens());
        try (Session session = tokens.open(1, Probe.NONE)) {
            for (int i = 0; i < encoded.size(); i++) {
                session.beginEncoded(encoded.get(i), Position.segments(excerpt.first() + i, 1));
                List<IntList> ids =
                        decoder.decode(session, limits, tokenizer::grammar, Settings.defaults(decoder), cancellation);
                double start = tokenizer.segmentStart(framing.startSeconds(excerpt.first() + i));
                segments.add(new SegmentTokens(start, ids));
            }
        }
        return segments;
    }
}
