package example;

import java.nio.file.Path;
import org.luthier.Luthier;
import org.luthier.api.notes.Transcription;

/** Transcribes a file and writes it as MIDI. */
public final class Consumer {
    private Consumer() {}

    /** @param arguments an audio file and a MIDI file */
    public static void main(String[] arguments) {
        try (Luthier luthier = Luthier.open()) {
            Transcription transcription = luthier.transcribe(Path.of(arguments[0]));
            luthier.write(transcription, Path.of(arguments[1]));
            System.out.println("notes: " + transcription.notes().size());
        }
    }
}
