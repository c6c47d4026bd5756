package org.luthier.tokenizer.yourmt3;

import java.util.stream.Stream;
import org.luthier.api.notes.NoteTokenizer;

/** Every tokenizer of the bundle. */
final class AllTasks {
    private AllTasks() {}

    static Stream<NoteTokenizer> tokenizers() {
        return Stream.of(
                new Tasks.Mt3FullPlus(),
                new Tasks.Mc13FullPlus(),
                new Tasks.Mc13FullPlus256(),
                new Tasks.Mc13(),
                new Tasks.Mc13Short(),
                new Tasks.Mt3Full(),
                new Tasks.Mt3Midi(),
                new Tasks.Mt3MidiPlus(),
                new Tasks.GmExtPlus(),
                new Tasks.SingingV1(),
                new Tasks.SingingDrumV1());
    }

    static NoteTokenizer tokenizer(String task) {
        return tokenizers()
                .filter(tokenizer -> tokenizer.id().equals(task))
                .findFirst()
                .orElseThrow();
    }
}
