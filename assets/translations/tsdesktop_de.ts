<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>About</name>
        <message>
            <source>About</source>
            <translation>Über</translation>
        </message>
        <message>
            <source>About tsdesktop</source>
            <translation>Über tsdesktop</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Its package brings no text of the licence.</source>
            <translation>Das Paket enthält keinen Lizenztext.</translation>
        </message>
        <message>
            <source>Licences</source>
            <translation>Lizenzen</translation>
        </message>
        <message>
            <source>Not a medical device. Not for diagnosis or treatment: results can be wrong in ways that look right.</source>
            <translation>Kein Medizinprodukt. Nicht für Diagnose oder Behandlung: Ergebnisse können falsch sein und richtig aussehen.</translation>
        </message>
        <message>
            <source>Please cite</source>
            <translation>Bitte zitieren</translation>
        </message>
        <message>
            <source>Reading the licences…</source>
            <translation>Lizenzen werden gelesen…</translation>
        </message>
        <message>
            <source>Scans and results stay on this computer; nothing is sent.</source>
            <translation>Aufnahmen und Ergebnisse bleiben auf diesem Computer; nichts wird gesendet.</translation>
        </message>
        <message>
            <source>Text of the licence</source>
            <translation>Lizenztext</translation>
        </message>
        <message>
            <source>The page of each task names the papers behind its networks.</source>
            <translation>Die Seite jeder Aufgabe nennt die Arbeiten hinter ihren Netzen.</translation>
        </message>
        <message>
            <source>The program stands on {count} works of others.</source>
            <translation>Das Programm beruht auf {count} Werken anderer.</translation>
        </message>
        <message>
            <source>Turns a CT or MR scan into labelled anatomy, on this computer.</source>
            <translation>Macht aus einer CT- oder MR-Aufnahme beschriftete Anatomie, auf diesem Computer.</translation>
        </message>
        <message>
            <source>Version {version}</source>
            <translation>Version {version}</translation>
        </message>
        <message>
            <source>Works that come with the program</source>
            <translation>Werke, die mit dem Programm kommen</translation>
        </message>
    </context>
    <context>
        <name>AdvancedOptions</name>
        <message>
            <source>Advanced options</source>
            <translation>Erweiterte Optionen</translation>
        </message>
        <message>
            <source>all</source>
            <translation>alle</translation>
        </message>
        <message>
            <source>off</source>
            <translation>aus</translation>
        </message>
    </context>
    <context>
        <name>Brightness</name>
        <message>
            <source>Angio</source>
            <translation>Angio</translation>
        </message>
        <message>
            <source>Bone</source>
            <translation>Knochen</translation>
        </message>
        <message>
            <source>Brain</source>
            <translation>Gehirn</translation>
        </message>
        <message>
            <source>Liver</source>
            <translation>Leber</translation>
        </message>
        <message>
            <source>Lung</source>
            <translation>Lunge</translation>
        </message>
        <message>
            <source>Soft tissue</source>
            <translation>Weichteile</translation>
        </message>
    </context>
    <context>
        <name>BugReport</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Copied</source>
            <translation>Kopiert</translation>
        </message>
        <message>
            <source>Copy report</source>
            <translation>Bericht kopieren</translation>
        </message>
        <message>
            <source>It holds no names of patients or files and no folders.</source>
            <translation>Er enthält keine Namen von Patienten oder Dateien und keine Ordner.</translation>
        </message>
        <message>
            <source>Please copy the report and send it to the makers.</source>
            <translation>Bitte kopieren Sie den Bericht und senden Sie ihn an die Hersteller.</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>This is a bug</source>
            <translation>Das ist ein Programmfehler</translation>
        </message>
        <message>
            <source>This is a bug in tsdesktop. Your scan and your results are kept.</source>
            <translation>Das ist ein Fehler in tsdesktop. Ihre Aufnahme und Ihre Ergebnisse bleiben erhalten.</translation>
        </message>
    </context>
    <context>
        <name>BundleChooser</name>
        <message>
            <source>Bundles (*.zip)</source>
            <translation>Pakete (*.zip)</translation>
        </message>
        <message>
            <source>Export a bundle</source>
            <translation>Paket exportieren</translation>
        </message>
        <message>
            <source>No task is chosen.</source>
            <translation>Keine Aufgabe ist gewählt.</translation>
        </message>
        <message>
            <source>One file with the networks that are here, for a computer without internet: there, drop it on the window. It holds no licence number.</source>
            <translation>Eine Datei mit den Netzen, die hier sind, für einen Computer ohne Internet: legen Sie sie dort auf dem Fenster ab. Sie enthält keine Lizenznummer.</translation>
        </message>
        <message>
            <source>Save bundle</source>
            <translation>Paket speichern</translation>
        </message>
        <message>
            <source>Save bundle…</source>
            <translation>Paket speichern…</translation>
        </message>
        <message>
            <source>Selected networks ({count})</source>
            <translation>Ausgewählte Netze ({count})</translation>
        </message>
        <message>
            <source>Tasks</source>
            <translation>Aufgaben</translation>
        </message>
        <message>
            <source>What to pack</source>
            <translation>Was gepackt wird</translation>
        </message>
        <message>
            <source>here</source>
            <translation>hier</translation>
        </message>
        <message>
            <source>{count} of {all} are not here and are left out: download them first.</source>
            <translation>{count} von {all} sind nicht hier und werden weggelassen: laden Sie sie zuerst herunter.</translation>
        </message>
        <message>
            <source>{networks}, {size}.</source>
            <translation>{networks}, {size}.</translation>
        </message>
    </context>
    <context>
        <name>CardDialog</name>
        <message>
            <source>An NVIDIA card was found. To use it, some {size} GB must be downloaded once, which take {space} GB here.</source>
            <translation>Eine NVIDIA-Karte wurde gefunden. Um sie zu benutzen, werden einmalig etwa {size} GB heruntergeladen, die hier {space} GB belegen.</translation>
        </message>
        <message>
            <source>Another program is at it</source>
            <translation>Ein anderes Programm ist dabei</translation>
        </message>
        <message>
            <source>Ask for the size</source>
            <translation>Größe erfragen</translation>
        </message>
        <message>
            <source>Asks the package index</source>
            <translation>Fragt das Paketverzeichnis</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Check again</source>
            <translation>Erneut prüfen</translation>
        </message>
        <message>
            <source>Checking</source>
            <translation>Wird geprüft</translation>
        </message>
        <message>
            <source>Checking whether the card computes what the processor does…</source>
            <translation>Es wird geprüft, ob die Karte dasselbe berechnet wie der Prozessor…</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Download</source>
            <translation>Herunterladen</translation>
        </message>
        <message>
            <source>Download {size} GB</source>
            <translation>{size} GB herunterladen</translation>
        </message>
        <message>
            <source>Graphics card</source>
            <translation>Grafikkarte</translation>
        </message>
        <message>
            <source>It is not used: {problem}.</source>
            <translation>Sie wird nicht benutzt: {problem}.</translation>
        </message>
        <message>
            <source>It is torch, built for NVIDIA's cards, with NVIDIA's libraries under their own licence.</source>
            <translation>Das ist torch, gebaut für Karten von NVIDIA, mit Bibliotheken von NVIDIA unter deren eigener Lizenz.</translation>
        </message>
        <message>
            <source>Look again</source>
            <translation>Erneut suchen</translation>
        </message>
        <message>
            <source>Looking for a graphics card…</source>
            <translation>Eine Grafikkarte wird gesucht…</translation>
        </message>
        <message>
            <source>Networks run on the processor then</source>
            <translation>Netze rechnen dann auf dem Prozessor</translation>
        </message>
        <message>
            <source>Networks run on this card.</source>
            <translation>Netze rechnen auf dieser Karte.</translation>
        </message>
        <message>
            <source>No NVIDIA card is used</source>
            <translation>Keine NVIDIA-Karte wird benutzt</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Pausieren</translation>
        </message>
        <message>
            <source>Paused. What has arrived stays, also when the program ends.</source>
            <translation>Pausiert. Was angekommen ist, bleibt, auch wenn das Programm endet.</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>Fortschritt</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Resume</source>
            <translation>Fortsetzen</translation>
        </message>
        <message>
            <source>The connection was lost. It is tried again by itself.</source>
            <translation>Die Verbindung ist abgebrochen. Es wird von selbst erneut versucht.</translation>
        </message>
        <message>
            <source>To use it, {size} GB are downloaded once from {host}. {space} GB must be free meanwhile.</source>
            <translation>Dafür werden einmalig {size} GB von {host} heruntergeladen. So lange müssen {space} GB frei sein.</translation>
        </message>
        <message>
            <source>Unpacking</source>
            <translation>Wird entpackt</translation>
        </message>
        <message>
            <source>What is here of it is removed</source>
            <translation>Was davon hier ist, wird entfernt</translation>
        </message>
        <message>
            <source>What is here of it stays</source>
            <translation>Was davon hier ist, bleibt</translation>
        </message>
        <message>
            <source>torch {release} for NVIDIA's cards takes {size} GB here.</source>
            <translation>torch {release} für Karten von NVIDIA belegt hier {size} GB.</translation>
        </message>
        <message>
            <source>{card}, {memory} GB</source>
            <translation>{card}, {memory} GB</translation>
        </message>
    </context>
    <context>
        <name>CardFlow</name>
        <message>
            <source>Download stopped: go on…</source>
            <translation>Download fortsetzen…</translation>
        </message>
        <message>
            <source>Downloading for the card: {percent} %…</source>
            <translation>Download für die Karte: {percent} %…</translation>
        </message>
        <message>
            <source>Preparing the card…</source>
            <translation>Karte wird vorbereitet…</translation>
        </message>
        <message>
            <source>Run &gt; Graphics card tells why.</source>
            <translation>Rechnen &gt; Grafikkarte sagt, warum.</translation>
        </message>
        <message>
            <source>The graphics card does not work with what was fetched.</source>
            <translation>Die Grafikkarte arbeitet nicht mit dem, was geholt wurde.</translation>
        </message>
        <message>
            <source>Use the graphics card…</source>
            <translation>Grafikkarte benutzen…</translation>
        </message>
        <message>
            <source>{card} is used from now on.</source>
            <translation>{card} wird von jetzt an benutzt.</translation>
        </message>
    </context>
    <context>
        <name>ChecksBox</name>
        <message>
            <source>Checking…</source>
            <translation>Wird geprüft…</translation>
        </message>
        <message>
            <source>Nothing to check yet</source>
            <translation>Noch nichts zu prüfen</translation>
        </message>
    </context>
    <context>
        <name>ColourBox</name>
        <message>
            <source>Any other colour</source>
            <translation>Jede andere Farbe</translation>
        </message>
        <message>
            <source>As it came</source>
            <translation>Wie anfangs</translation>
        </message>
        <message>
            <source>Colour of {name}</source>
            <translation>Farbe von {name}</translation>
        </message>
        <message>
            <source>More…</source>
            <translation>Mehr…</translation>
        </message>
        <message>
            <source>The colour it had at first</source>
            <translation>Die Farbe, die sie anfangs hatte</translation>
        </message>
    </context>
    <context>
        <name>Commands</name>
        <message>
            <source>A draft is shown.</source>
            <translation>Es wird ein Entwurf gezeigt.</translation>
        </message>
        <message>
            <source>A run is under way.</source>
            <translation>Eine Berechnung läuft.</translation>
        </message>
        <message>
            <source>A run is under way. Stop it?</source>
            <translation>Eine Berechnung läuft. Anhalten?</translation>
        </message>
        <message>
            <source>All files</source>
            <translation>Alle Dateien</translation>
        </message>
        <message>
            <source>All views</source>
            <translation>Alle Ansichten</translation>
        </message>
        <message>
            <source>Choose when it has ended.</source>
            <translation>Wählen Sie, wenn sie beendet ist.</translation>
        </message>
        <message>
            <source>Copy picture of this view</source>
            <translation>Bild dieser Ansicht kopieren</translation>
        </message>
        <message>
            <source>Export when the run has ended.</source>
            <translation>Exportieren Sie, wenn die Berechnung beendet ist.</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>Export…</translation>
        </message>
        <message>
            <source>Go on</source>
            <translation>Fortfahren</translation>
        </message>
        <message>
            <source>Label maps</source>
            <translation>Segmentierungen</translation>
        </message>
        <message>
            <source>Not opened: {names}.</source>
            <translation>Nicht geöffnet: {names}.</translation>
        </message>
        <message>
            <source>One scan is open at a time, with labels that belong to it.</source>
            <translation>Es ist immer eine Aufnahme offen, mit der Segmentierung, die zu ihr gehört.</translation>
        </message>
        <message>
            <source>Open labels</source>
            <translation>Segmentierung öffnen</translation>
        </message>
        <message>
            <source>PNG picture</source>
            <translation>PNG-Bild</translation>
        </message>
        <message>
            <source>Reset this view</source>
            <translation>Diese Ansicht zurücksetzen</translation>
        </message>
        <message>
            <source>Save picture</source>
            <translation>Bild speichern</translation>
        </message>
        <message>
            <source>Save picture of this view…</source>
            <translation>Bild dieser Ansicht speichern…</translation>
        </message>
        <message>
            <source>Something is being opened.</source>
            <translation>Es wird gerade etwas geöffnet.</translation>
        </message>
        <message>
            <source>Start when it is on screen.</source>
            <translation>Starten Sie, wenn es zu sehen ist.</translation>
        </message>
        <message>
            <source>Stop the run</source>
            <translation>Berechnung anhalten</translation>
        </message>
        <message>
            <source>The labels have not been exported. Go on without them?</source>
            <translation>Die Segmentierung wurde nicht exportiert. Ohne sie fortfahren?</translation>
        </message>
        <message>
            <source>The picture is on the clipboard.</source>
            <translation>Das Bild ist in der Zwischenablage.</translation>
        </message>
        <message>
            <source>They can be computed again, which takes as long as before.</source>
            <translation>Sie lässt sich neu berechnen; das dauert so lange wie zuvor.</translation>
        </message>
        <message>
            <source>This view alone</source>
            <translation>Nur diese Ansicht</translation>
        </message>
        <message>
            <source>What it has computed so far is lost.</source>
            <translation>Was bisher berechnet wurde, geht verloren.</translation>
        </message>
        <message>
            <source>{name} was written.</source>
            <translation>{name} wurde geschrieben.</translation>
        </message>
    </context>
    <context>
        <name>Counts</name>
        <message>
            <source>1 structure</source>
            <translation>1 Struktur</translation>
        </message>
        <message>
            <source>{count} structures</source>
            <translation>{count} Strukturen</translation>
        </message>
    </context>
    <context>
        <name>CustomDetails</name>
        <message>
            <source>Click or press Return to change the colour</source>
            <translation>Klick oder Eingabetaste ändert die Farbe</translation>
        </message>
        <message>
            <source>Folds</source>
            <translation>Folds</translation>
        </message>
        <message>
            <source>Images</source>
            <translation>Bilder</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Name of the network</source>
            <translation>Name des Netzes</translation>
        </message>
        <message>
            <source>Structures</source>
            <translation>Strukturen</translation>
        </message>
        <message>
            <source>Structures it finds; Return changes the colour</source>
            <translation>Strukturen, die es findet; Eingabetaste ändert die Farbe</translation>
        </message>
        <message>
            <source>The voxel size it works at</source>
            <translation>Die Voxelgröße, mit der es rechnet</translation>
        </message>
        <message>
            <source>Trainings whose results are averaged</source>
            <translation>Trainings, deren Ergebnisse gemittelt werden</translation>
        </message>
        <message>
            <source>Voxels</source>
            <translation>Voxel</translation>
        </message>
        <message>
            <source>What it is called in the list of tasks</source>
            <translation>Wie es in der Liste der Aufgaben heißt</translation>
        </message>
        <message>
            <source>What the network has to be given</source>
            <translation>Was das Netz bekommen muss</translation>
        </message>
        <message>
            <source>one training on all cases</source>
            <translation>ein Training mit allen Fällen</translation>
        </message>
    </context>
    <context>
        <name>Deeds</name>
        <message>
            <source>Asking for updates</source>
            <translation>Nach Updates wird gefragt</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Deleting {name}</source>
            <translation>Wird gelöscht: {name}</translation>
        </message>
        <message>
            <source>Download</source>
            <translation>Herunterladen</translation>
        </message>
        <message>
            <source>Importing {name}</source>
            <translation>Wird importiert: {name}</translation>
        </message>
        <message>
            <source>Keep</source>
            <translation>Behalten</translation>
        </message>
        <message>
            <source>Not now</source>
            <translation>Nicht jetzt</translation>
        </message>
        <message>
            <source>Packing {name}</source>
            <translation>Wird gepackt: {name}</translation>
        </message>
        <message>
            <source>The link is copied: download it with a browser, then import the zip here.</source>
            <translation>Der Link ist kopiert: laden Sie das Zip mit einem Browser herunter und importieren Sie es dann hier.</translation>
        </message>
        <message>
            <source>Verifying {name}</source>
            <translation>Wird geprüft: {name}</translation>
        </message>
        <message>
            <source>What needs a licence number is left out.</source>
            <translation>Was eine Lizenznummer braucht, wird weggelassen.</translation>
        </message>
        <message>
            <source>{name} holds no networks.</source>
            <translation>{name} enthält keine Netze.</translation>
        </message>
        <message>
            <source>{name} is ready to be carried to another computer.</source>
            <translation>{name} ist bereit für einen anderen Computer.</translation>
        </message>
    </context>
    <context>
        <name>DeviceRow</name>
        <message>
            <source>CPU, 1 core</source>
            <translation>CPU, 1 Kern</translation>
        </message>
        <message>
            <source>CPU, {cores} cores</source>
            <translation>CPU, {cores} Kerne</translation>
        </message>
        <message>
            <source>Choose automatically</source>
            <translation>Automatisch wählen</translation>
        </message>
        <message>
            <source>Choose where networks run</source>
            <translation>Wählen Sie, wo Netze rechnen</translation>
        </message>
        <message>
            <source>Everything works on the processor as well; it takes longer. ({library})</source>
            <translation>Auf dem Prozessor geht alles ebenso; es dauert nur länger. ({library})</translation>
        </message>
        <message>
            <source>Looking for a graphics card…</source>
            <translation>Eine Grafikkarte wird gesucht…</translation>
        </message>
        <message>
            <source>No graphics card was found on this computer.</source>
            <translation>Auf diesem Computer wurde keine Grafikkarte gefunden.</translation>
        </message>
        <message>
            <source>Runs on</source>
            <translation>Rechnet auf</translation>
        </message>
        <message>
            <source>Runs on {device}</source>
            <translation>Rechnet auf {device}</translation>
        </message>
        <message>
            <source>What it takes to use the graphics card</source>
            <translation>Was nötig ist, um die Grafikkarte zu benutzen</translation>
        </message>
        <message>
            <source>Why the graphics card is not used</source>
            <translation>Warum die Grafikkarte nicht benutzt wird</translation>
        </message>
        <message>
            <source>automatic · its results were checked</source>
            <translation>automatisch · ihre Ergebnisse wurden geprüft</translation>
        </message>
        <message>
            <source>automatic · no graphics card was found</source>
            <translation>automatisch · keine Grafikkarte gefunden</translation>
        </message>
        <message>
            <source>automatic · {device}: {reason}</source>
            <translation>automatisch · {device}: {reason}</translation>
        </message>
        <message>
            <source>chosen by you</source>
            <translation>von Ihnen gewählt</translation>
        </message>
        <message>
            <source>why not GPU?</source>
            <translation>warum nicht GPU?</translation>
        </message>
        <message>
            <source>{device} was chosen, but cannot be used</source>
            <translation>{device} ist gewählt, aber nicht benutzbar</translation>
        </message>
        <message>
            <source>{device}, {memory} GB</source>
            <translation>{device}, {memory} GB</translation>
        </message>
        <message>
            <source>{device}: {reason}.</source>
            <translation>{device}: {reason}.</translation>
        </message>
    </context>
    <context>
        <name>DownloadBox</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Pausieren</translation>
        </message>
        <message>
            <source>Progress of the download</source>
            <translation>Fortschritt des Downloads</translation>
        </message>
        <message>
            <source>Resume</source>
            <translation>Fortsetzen</translation>
        </message>
        <message>
            <source>Try again</source>
            <translation>Erneut versuchen</translation>
        </message>
        <message>
            <source>What is here of it is removed</source>
            <translation>Was davon hier ist, wird entfernt</translation>
        </message>
        <message>
            <source>What is here of it stays</source>
            <translation>Was davon hier ist, bleibt</translation>
        </message>
    </context>
    <context>
        <name>DownloadChooser</name>
        <message>
            <source>Download</source>
            <translation>Herunterladen</translation>
        </message>
        <message>
            <source>Download for tasks</source>
            <translation>Für Aufgaben herunterladen</translation>
        </message>
        <message>
            <source>Everything the chosen tasks can ever load is downloaded: all qualities, and the networks that find the region to look at. After that they run without internet.</source>
            <translation>Alles, was die gewählten Aufgaben je brauchen, wird heruntergeladen: alle Qualitäten und die Netze, die den Bereich suchen. Danach rechnen sie ohne Internet.</translation>
        </message>
        <message>
            <source>Everything these tasks need is here.</source>
            <translation>Alles, was diese Aufgaben brauchen, ist hier.</translation>
        </message>
        <message>
            <source>No task is chosen.</source>
            <translation>Keine Aufgabe ist gewählt.</translation>
        </message>
        <message>
            <source>Those that need a licence number are left out: none is stored.</source>
            <translation>Was eine Lizenznummer braucht, wird weggelassen: keine ist gespeichert.</translation>
        </message>
        <message>
            <source>here</source>
            <translation>hier</translation>
        </message>
        <message>
            <source>over {size}</source>
            <translation>über {size}</translation>
        </message>
        <message>
            <source>size not known</source>
            <translation>Größe unbekannt</translation>
        </message>
    </context>
    <context>
        <name>Downloads</name>
        <message>
            <source>Another program is downloading this network.</source>
            <translation>Ein anderes Programm lädt dieses Netz gerade herunter.</translation>
        </message>
        <message>
            <source>Checking</source>
            <translation>Wird geprüft</translation>
        </message>
        <message>
            <source>Downloading</source>
            <translation>Wird heruntergeladen</translation>
        </message>
        <message>
            <source>Downloading {number} of {count}</source>
            <translation>{number} von {count} wird heruntergeladen</translation>
        </message>
        <message>
            <source>Not downloaded</source>
            <translation>Nicht heruntergeladen</translation>
        </message>
        <message>
            <source>Paused</source>
            <translation>Pausiert</translation>
        </message>
        <message>
            <source>The connection was lost. Trying again in {seconds} s.</source>
            <translation>Die Verbindung ist abgebrochen. Neuer Versuch in {seconds} s.</translation>
        </message>
        <message>
            <source>Unpacking</source>
            <translation>Wird entpackt</translation>
        </message>
        <message>
            <source>Waiting</source>
            <translation>Wartet</translation>
        </message>
        <message>
            <source>Waiting for other downloads</source>
            <translation>Wartet auf andere Downloads</translation>
        </message>
        <message>
            <source>{done} of {total}</source>
            <translation>{done} von {total}</translation>
        </message>
    </context>
    <context>
        <name>DropHint</name>
        <message>
            <source>Drop a scan, labels of this one, or networks</source>
            <translation>Aufnahme, Segmentierung dieser Aufnahme oder Netze ablegen</translation>
        </message>
    </context>
    <context>
        <name>EmptyState</name>
        <message>
            <source>All files</source>
            <translation>Alle Dateien</translation>
        </message>
        <message>
            <source>Browse file…</source>
            <translation>Datei wählen…</translation>
        </message>
        <message>
            <source>Browse folder…</source>
            <translation>Ordner wählen…</translation>
        </message>
        <message>
            <source>Open a folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Open a scan</source>
            <translation>Aufnahme öffnen</translation>
        </message>
        <message>
            <source>Open the sample</source>
            <translation>Beispiel öffnen</translation>
        </message>
        <message>
            <source>Recent scans</source>
            <translation>Zuletzt geöffnet</translation>
        </message>
        <message>
            <source>Scans and label maps</source>
            <translation>Aufnahmen und Segmentierungen</translation>
        </message>
    </context>
    <context>
        <name>ExportBox</name>
        <message>
            <source>A file for each part</source>
            <translation>Je Teil eine Datei</translation>
        </message>
        <message>
            <source>Axes as in DICOM (LPS)</source>
            <translation>Achsen wie in DICOM (LPS)</translation>
        </message>
        <message>
            <source>Axes as in NIfTI (RAS)</source>
            <translation>Achsen wie in NIfTI (RAS)</translation>
        </message>
        <message>
            <source>Axes of the file</source>
            <translation>Achsen der Datei</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Done: 1 file, read back and compared</source>
            <translation>Fertig: 1 Datei, zurückgelesen und verglichen</translation>
        </message>
        <message>
            <source>Done: {count} files, read back and compared</source>
            <translation>Fertig: {count} Dateien, zurückgelesen und verglichen</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>File format</source>
            <translation>Dateiformat</translation>
        </message>
        <message>
            <source>Folder for the files</source>
            <translation>Ordner für die Dateien</translation>
        </message>
        <message>
            <source>One file or several</source>
            <translation>Eine Datei oder mehrere</translation>
        </message>
        <message>
            <source>One file with all parts</source>
            <translation>Eine Datei mit allen Teilen</translation>
        </message>
        <message>
            <source>One file, one object</source>
            <translation>Eine Datei, ein Objekt</translation>
        </message>
        <message>
            <source>Open folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Overwrite what is there</source>
            <translation>Vorhandene überschreiben</translation>
        </message>
        <message>
            <source>Parts whose defects were mended: {mended}</source>
            <translation>Teile, deren Fehler repariert wurden: {mended}</translation>
        </message>
        <message>
            <source>Stopped. What was written before is whole and stays.</source>
            <translation>Angehalten. Was vorher geschrieben wurde, ist vollständig und bleibt.</translation>
        </message>
        <message>
            <source>Stopping…</source>
            <translation>Wird angehalten…</translation>
        </message>
        <message>
            <source>{existing} of {count} files are there already</source>
            <translation>{existing} von {count} Dateien gibt es schon</translation>
        </message>
        <message>
            <source>{name} and {count} more</source>
            <translation>{name} und {count} weitere</translation>
        </message>
    </context>
    <context>
        <name>ExportDialog</name>
        <message>
            <source>1 file will be written:</source>
            <translation>1 Datei wird geschrieben:</translation>
        </message>
        <message>
            <source>1 file written</source>
            <translation>1 Datei geschrieben</translation>
        </message>
        <message>
            <source>1 of them exists already.</source>
            <translation>1 davon gibt es schon.</translation>
        </message>
        <message>
            <source>All</source>
            <translation>Alle</translation>
        </message>
        <message>
            <source>All of them exist already.</source>
            <translation>Alle davon gibt es schon.</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Check surfaces</source>
            <translation>Oberflächen prüfen</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Counting voxels</source>
            <translation>Voxel werden gezählt</translation>
        </message>
        <message>
            <source>Details</source>
            <translation>Details</translation>
        </message>
        <message>
            <source>Drawing the picture</source>
            <translation>Bild wird gezeichnet</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>Folder for the files</source>
            <translation>Ordner für die Dateien</translation>
        </message>
        <message>
            <source>Looks at them as for 3D printing; nothing is written</source>
            <translation>Prüft sie wie für den 3D-Druck; es wird nichts geschrieben</translation>
        </message>
        <message>
            <source>Nothing is chosen.</source>
            <translation>Nichts ist gewählt.</translation>
        </message>
        <message>
            <source>Open folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Overwrite them</source>
            <translation>Überschreiben</translation>
        </message>
        <message>
            <source>Selected</source>
            <translation>Ausgewählte</translation>
        </message>
        <message>
            <source>Show report</source>
            <translation>Bericht zeigen</translation>
        </message>
        <message>
            <source>Starting</source>
            <translation>Wird gestartet</translation>
        </message>
        <message>
            <source>Stopped. What was written before is whole and stays.</source>
            <translation>Angehalten. Was vorher geschrieben wurde, ist vollständig und bleibt.</translation>
        </message>
        <message>
            <source>Stopping…</source>
            <translation>Wird angehalten…</translation>
        </message>
        <message>
            <source>Structures</source>
            <translation>Strukturen</translation>
        </message>
        <message>
            <source>Surface of {structure}</source>
            <translation>Oberfläche: {structure}</translation>
        </message>
        <message>
            <source>This file exists already.</source>
            <translation>Diese Datei gibt es schon.</translation>
        </message>
        <message>
            <source>Those that are marked in the list</source>
            <translation>Die in der Liste markierten</translation>
        </message>
        <message>
            <source>Those whose eye is open in the list</source>
            <translation>Die mit offenem Auge in der Liste</translation>
        </message>
        <message>
            <source>Visible</source>
            <translation>Sichtbare</translation>
        </message>
        <message>
            <source>What to write</source>
            <translation>Was geschrieben wird</translation>
        </message>
        <message>
            <source>Which structures</source>
            <translation>Welche Strukturen</translation>
        </message>
        <message>
            <source>Writing labels</source>
            <translation>Segmentierung wird geschrieben</translation>
        </message>
        <message>
            <source>{count} files will be written:</source>
            <translation>{count} Dateien werden geschrieben:</translation>
        </message>
        <message>
            <source>{count} files written</source>
            <translation>{count} Dateien geschrieben</translation>
        </message>
        <message>
            <source>{count} of them exist already.</source>
            <translation>{count} davon gibt es schon.</translation>
        </message>
    </context>
    <context>
        <name>ExportFiles</name>
        <message>
            <source>Files that will be written</source>
            <translation>Dateien, die geschrieben werden</translation>
        </message>
        <message>
            <source>How the other files were made, and what to cite</source>
            <translation>Wie die anderen Dateien entstanden, und was zu zitieren ist</translation>
        </message>
        <message>
            <source>This file exists already</source>
            <translation>Diese Datei gibt es schon</translation>
        </message>
        <message>
            <source>Which number stands for which structure, with colours and codes</source>
            <translation>Welche Nummer für welche Struktur steht, mit Farben und Codes</translation>
        </message>
    </context>
    <context>
        <name>ExportKinds</name>
        <message>
            <source>3MF</source>
            <translation>3MF</translation>
        </message>
        <message>
            <source>A DICOM segmentation that refers to the series it was made from</source>
            <translation>Eine DICOM-Segmentierung, die auf die Serie verweist, aus der sie entstand</translation>
        </message>
        <message>
            <source>A file with 0 and 1 for each structure</source>
            <translation>Je Struktur eine Datei mit 0 und 1</translation>
        </message>
        <message>
            <source>A segmentation for 3D Slicer with names, colours and codes</source>
            <translation>Eine Segmentierung für 3D Slicer mit Namen, Farben und Codes</translation>
        </message>
        <message>
            <source>All in one file, as parts</source>
            <translation>Alle in einer Datei, als Teile</translation>
        </message>
        <message>
            <source>All in one object</source>
            <translation>Alle in einem Objekt</translation>
        </message>
        <message>
            <source>All structures in one file, a number for each, with a table of their names</source>
            <translation>Alle Strukturen in einer Datei, jede mit einer Nummer, dazu eine Tabelle der Namen</translation>
        </message>
        <message>
            <source>All surfaces from the front beside a coronal slice</source>
            <translation>Alle Oberflächen von vorn neben einer koronalen Schicht</translation>
        </message>
        <message>
            <source>All that the table has, with units, for programs</source>
            <translation>Alles aus der Tabelle, mit Einheiten, für Programme</translation>
        </message>
        <message>
            <source>CSV</source>
            <translation>CSV</translation>
        </message>
        <message>
            <source>Compressed (pydicom, highdicom)</source>
            <translation>Komprimiert (pydicom, highdicom)</translation>
        </message>
        <message>
            <source>Compressed files are many times smaller. Some archives and viewers do not open them.</source>
            <translation>Komprimierte Dateien sind um ein Vielfaches kleiner. Manche Archive und Betrachter öffnen sie nicht.</translation>
        </message>
        <message>
            <source>Contours in every slice, for planning radiotherapy</source>
            <translation>Konturen in jeder Schicht, zur Bestrahlungsplanung</translation>
        </message>
        <message>
            <source>Coordinates of surfaces</source>
            <translation>Koordinaten der Oberflächen</translation>
        </message>
        <message>
            <source>DICOM RTSTRUCT</source>
            <translation>DICOM RTSTRUCT</translation>
        </message>
        <message>
            <source>DICOM SEG</source>
            <translation>DICOM SEG</translation>
        </message>
        <message>
            <source>DICOM SR</source>
            <translation>DICOM SR</translation>
        </message>
        <message>
            <source>Excel (XLSX)</source>
            <translation>Excel (XLSX)</translation>
        </message>
        <message>
            <source>Faithful ({mm} mm)</source>
            <translation>Getreu ({mm} mm)</translation>
        </message>
        <message>
            <source>Files of surfaces</source>
            <translation>Dateien der Oberflächen</translation>
        </message>
        <message>
            <source>Five times as large; only for programs that cannot read the other form</source>
            <translation>Fünfmal so groß; nur für Programme, die die andere Form nicht lesen</translation>
        </message>
        <message>
            <source>For 3D printing, with names, colours, parts and millimetres</source>
            <translation>Für den 3D-Druck, mit Namen, Farben, Teilen und Millimetern</translation>
        </message>
        <message>
            <source>For ParaView and other programs built on VTK</source>
            <translation>Für ParaView und andere Programme auf der Grundlage von VTK</translation>
        </message>
        <message>
            <source>For browsers, presentations and headsets, with names and colours, in metres</source>
            <translation>Für Browser, Präsentationen und VR-Brillen, mit Namen und Farben, in Metern</translation>
        </message>
        <message>
            <source>Form of DICOM SEG</source>
            <translation>Form der DICOM SEG</translation>
        </message>
        <message>
            <source>GLB</source>
            <translation>GLB</translation>
        </message>
        <message>
            <source>In one object surfaces lie one after the other; they are not joined to one solid.</source>
            <translation>In einem Objekt stehen die Oberflächen hintereinander; sie werden nicht zu einem Körper vereinigt.</translation>
        </message>
        <message>
            <source>JSON</source>
            <translation>JSON</translation>
        </message>
        <message>
            <source>JSON as TotalSegmentator</source>
            <translation>JSON wie TotalSegmentator</translation>
        </message>
        <message>
            <source>LPS (DICOM, 3D Slicer)</source>
            <translation>LPS (DICOM, 3D Slicer)</translation>
        </message>
        <message>
            <source>Label map, compressed (highdicom from 0.24, OHIF from 3.11)</source>
            <translation>Labelmap, komprimiert (highdicom ab 0.24, OHIF ab 3.11)</translation>
        </message>
        <message>
            <source>Labels</source>
            <translation>Segmentierung</translation>
        </message>
        <message>
            <source>NIfTI</source>
            <translation>NIfTI</translation>
        </message>
        <message>
            <source>NIfTI, one each</source>
            <translation>NIfTI, einzeln</translation>
        </message>
        <message>
            <source>NRRD (3D Slicer)</source>
            <translation>NRRD (3D Slicer)</translation>
        </message>
        <message>
            <source>OBJ</source>
            <translation>OBJ</translation>
        </message>
        <message>
            <source>Of a ridge or groove as wide as this, half the height is left. Every piece keeps its volume.</source>
            <translation>Von einem Grat oder einer Rinne dieser Breite bleibt die halbe Höhe. Jedes Stück behält sein Volumen.</translation>
        </message>
        <message>
            <source>One file each</source>
            <translation>Je eine Datei</translation>
        </message>
        <message>
            <source>One file each, and all in one</source>
            <translation>Je eine Datei, und alle in einer</translation>
        </message>
        <message>
            <source>Only for a scan that was opened from DICOM files</source>
            <translation>Nur für eine Aufnahme, die aus DICOM-Dateien geöffnet wurde</translation>
        </message>
        <message>
            <source>PLY</source>
            <translation>PLY</translation>
        </message>
        <message>
            <source>PNG</source>
            <translation>PNG</translation>
        </message>
        <message>
            <source>Picture</source>
            <translation>Bild</translation>
        </message>
        <message>
            <source>RAS (NIfTI)</source>
            <translation>RAS (NIfTI)</translation>
        </message>
        <message>
            <source>STL</source>
            <translation>STL</translation>
        </message>
        <message>
            <source>STL as text</source>
            <translation>STL als Text</translation>
        </message>
        <message>
            <source>Smooth ({mm} mm)</source>
            <translation>Glatt ({mm} mm)</translation>
        </message>
        <message>
            <source>Smoothing of surfaces</source>
            <translation>Glättung der Oberflächen</translation>
        </message>
        <message>
            <source>Statistics</source>
            <translation>Messwerte</translation>
        </message>
        <message>
            <source>Surfaces</source>
            <translation>Oberflächen</translation>
        </message>
        <message>
            <source>This format cannot keep parts apart</source>
            <translation>Dieses Format kann Teile nicht getrennt halten</translation>
        </message>
        <message>
            <source>Uncompressed (3D Slicer, OHIF and most others)</source>
            <translation>Unkomprimiert (3D Slicer, OHIF und die meisten anderen)</translation>
        </message>
        <message>
            <source>VTP</source>
            <translation>VTP</translation>
        </message>
        <message>
            <source>Very smooth ({mm} mm)</source>
            <translation>Sehr glatt ({mm} mm)</translation>
        </message>
        <message>
            <source>Volume and mean intensity in TotalSegmentator's form</source>
            <translation>Volumen und mittlere Intensität in der Form von TotalSegmentator</translation>
        </message>
        <message>
            <source>Volume, intensities and place of each structure, and how they were made</source>
            <translation>Volumen, Intensitäten und Ort jeder Struktur, und wie sie entstanden</translation>
        </message>
        <message>
            <source>Volume, intensities and place of each structure, for a spreadsheet</source>
            <translation>Volumen, Intensitäten und Ort jeder Struktur, für die Tabellenkalkulation</translation>
        </message>
        <message>
            <source>Volumes and intensities as a structured report of the series</source>
            <translation>Volumen und Intensitäten als strukturierter Befund zur Serie</translation>
        </message>
        <message>
            <source>What every program for 3D printing reads; it has neither names nor colours</source>
            <translation>Liest jedes Programm für 3D-Druck; hat weder Namen noch Farben</translation>
        </message>
        <message>
            <source>Which way x and y count: LPS to the left and back, RAS to the right and front</source>
            <translation>Wohin x und y zählen: LPS nach links und hinten, RAS nach rechts und vorn</translation>
        </message>
        <message>
            <source>With a file of colours (MTL) beside it, for modelling programs</source>
            <translation>Mit einer Datei der Farben (MTL) daneben, für Modellierprogramme</translation>
        </message>
        <message>
            <source>With colours, for programs that work on meshes</source>
            <translation>Mit Farben, für Programme zur Bearbeitung von Oberflächen</translation>
        </message>
        <message>
            <source>need a scan from DICOM files</source>
            <translation>brauchen eine Aufnahme aus DICOM-Dateien</translation>
        </message>
    </context>
    <context>
        <name>Figures</name>
        <message>
            <source>W {width}  L {level}</source>
            <translation>W {width}  L {level}</translation>
        </message>
    </context>
    <context>
        <name>Folders</name>
        <message>
            <source>Nothing here opens folders; it is {place}</source>
            <translation>Hier lassen sich keine Ordner öffnen; er ist {place}</translation>
        </message>
        <message>
            <source>{place} cannot be made: {reason}</source>
            <translation>{place} lässt sich nicht anlegen: {reason}</translation>
        </message>
    </context>
    <context>
        <name>Groups</name>
        <message>
            <source>Abdomen</source>
            <translation>Abdomen</translation>
        </message>
        <message>
            <source>Bones and muscles</source>
            <translation>Knochen und Muskeln</translation>
        </message>
        <message>
            <source>Chest</source>
            <translation>Thorax</translation>
        </message>
        <message>
            <source>Demonstration</source>
            <translation>Demonstration</translation>
        </message>
        <message>
            <source>Head and neck</source>
            <translation>Kopf und Hals</translation>
        </message>
        <message>
            <source>Instant, without a network</source>
            <translation>Sofort, ohne Netz</translation>
        </message>
        <message>
            <source>MR</source>
            <translation>MR</translation>
        </message>
        <message>
            <source>More, for special purposes</source>
            <translation>Weitere, für besondere Zwecke</translation>
        </message>
        <message>
            <source>Vessels</source>
            <translation>Gefäße</translation>
        </message>
        <message>
            <source>Whole body</source>
            <translation>Ganzer Körper</translation>
        </message>
        <message>
            <source>Your own networks</source>
            <translation>Ihre eigenen Netze</translation>
        </message>
    </context>
    <context>
        <name>Header</name>
        <message>
            <source>Brightness and contrast: keys 1 to 6, or drag with the right button</source>
            <translation>Helligkeit und Kontrast: Tasten 1 bis 6, oder mit der rechten Maustaste ziehen</translation>
        </message>
        <message>
            <source>Distance, angle, or values in a circle</source>
            <translation>Strecke, Winkel oder Werte in einem Kreis</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>Export…</translation>
        </message>
        <message>
            <source>Fill {percent} %</source>
            <translation>Füllung {percent} %</translation>
        </message>
        <message>
            <source>Four views</source>
            <translation>Vier Ansichten</translation>
        </message>
        <message>
            <source>How labels are shown on slices</source>
            <translation>Wie Strukturen in Schichten gezeigt werden</translation>
        </message>
        <message>
            <source>Labels hidden</source>
            <translation>Strukturen ausgeblendet</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Open scan: {scan}</source>
            <translation>Offene Aufnahme: {scan}</translation>
        </message>
        <message>
            <source>Outlines</source>
            <translation>Konturen</translation>
        </message>
        <message>
            <source>Print studio</source>
            <translation>Druckstudio</translation>
        </message>
        <message>
            <source>Print studio: structures as parts for a printer, checked first (Ctrl+P)</source>
            <translation>Druckstudio: Strukturen als Teile für einen Drucker, zuvor geprüft (Strg+P)</translation>
        </message>
        <message>
            <source>Views: {layout}</source>
            <translation>Ansichten: {layout}</translation>
        </message>
        <message>
            <source>What is this file? Geometry, series and intensities</source>
            <translation>Was ist das für eine Datei? Geometrie, Serie und Intensitäten</translation>
        </message>
        <message>
            <source>Which views are shown; a double click makes one large</source>
            <translation>Welche Ansichten gezeigt werden; ein Doppelklick vergrößert eine</translation>
        </message>
        <message>
            <source>Write label maps, surfaces, statistics and pictures (Ctrl+E)</source>
            <translation>Segmentierungen, Oberflächen, Messwerte und Bilder schreiben (Strg+E)</translation>
        </message>
    </context>
    <context>
        <name>LackingLine</name>
        <message>
            <source>Add {structure}</source>
            <translation>{structure} hinzufügen</translation>
        </message>
        <message>
            <source>Compute this structure as well</source>
            <translation>Diese Struktur auch berechnen</translation>
        </message>
        <message>
            <source>add</source>
            <translation>hinzufügen</translation>
        </message>
        <message>
            <source>{structure} is not among the {count} chosen structures.</source>
            <translation>{structure} ist nicht unter den {count} gewählten Strukturen.</translation>
        </message>
        <message>
            <source>{structure} is not the structure that is chosen.</source>
            <translation>{structure} ist nicht die gewählte Struktur.</translation>
        </message>
    </context>
    <context>
        <name>LicenceDialog</name>
        <message>
            <source>Ask again</source>
            <translation>Erneut fragen</translation>
        </message>
        <message>
            <source>Asking the licence server…</source>
            <translation>Der Lizenzserver wird gefragt…</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Get a licence number</source>
            <translation>Lizenznummer anfordern</translation>
        </message>
        <message>
            <source>Go on: aca_ and 14 more characters.</source>
            <translation>Weiter: aca_ und 14 weitere Zeichen.</translation>
        </message>
        <message>
            <source>It is kept in a file that only you can read.</source>
            <translation>Sie liegt in einer Datei, die nur Sie lesen können.</translation>
        </message>
        <message>
            <source>It is kept in the system's password store, or in a file that only you can read.</source>
            <translation>Sie liegt im Passwortspeicher des Systems oder in einer Datei, die nur Sie lesen können.</translation>
        </message>
        <message>
            <source>It is kept in the system's password store.</source>
            <translation>Sie liegt im Passwortspeicher des Systems.</translation>
        </message>
        <message>
            <source>It is sent to its makers' licence server and nowhere else, and appears in no log.</source>
            <translation>Sie wird nur an den Lizenzserver der Herausgeber gesendet und erscheint in keinem Protokoll.</translation>
        </message>
        <message>
            <source>Licence number</source>
            <translation>Lizenznummer</translation>
        </message>
        <message>
            <source>Needed for</source>
            <translation>Nötig für</translation>
        </message>
        <message>
            <source>No number is entered.</source>
            <translation>Keine Nummer ist eingegeben.</translation>
        </message>
        <message>
            <source>Rejected: the licence server does not accept this number.</source>
            <translation>Abgelehnt: der Lizenzserver nimmt diese Nummer nicht an.</translation>
        </message>
        <message>
            <source>Rejected: the licence server does not accept this number. It is not stored.</source>
            <translation>Abgelehnt: der Lizenzserver nimmt diese Nummer nicht an. Sie ist nicht gespeichert.</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Removing…</source>
            <translation>Wird entfernt…</translation>
        </message>
        <message>
            <source>Some networks are free for academic use and need a licence number of their makers. The number starts with aca_ and has 18 characters.</source>
            <translation>Einige Netze sind für die Wissenschaft kostenlos und brauchen eine Lizenznummer ihrer Herausgeber. Die Nummer beginnt mit aca_ und hat 18 Zeichen.</translation>
        </message>
        <message>
            <source>Store</source>
            <translation>Speichern</translation>
        </message>
        <message>
            <source>The form is right. Not stored yet.</source>
            <translation>Die Form stimmt. Noch nicht gespeichert.</translation>
        </message>
        <message>
            <source>The licence server cannot be reached. The number is kept, and asked about again when it is needed.</source>
            <translation>Der Lizenzserver ist nicht erreichbar. Die Nummer bleibt gespeichert und wird geprüft, sobald sie gebraucht wird.</translation>
        </message>
        <message>
            <source>This is not the form of a licence number.</source>
            <translation>Das hat nicht die Form einer Lizenznummer.</translation>
        </message>
        <message>
            <source>TotalSegmentator has a number on this computer.</source>
            <translation>TotalSegmentator hat auf diesem Computer eine Nummer.</translation>
        </message>
        <message>
            <source>Use it</source>
            <translation>Diese verwenden</translation>
        </message>
        <message>
            <source>Use the number TotalSegmentator has on this computer</source>
            <translation>Die Nummer verwenden, die TotalSegmentator auf diesem Computer hat</translation>
        </message>
        <message>
            <source>Valid.</source>
            <translation>Gültig.</translation>
        </message>
        <message>
            <source>Your number</source>
            <translation>Ihre Nummer</translation>
        </message>
    </context>
    <context>
        <name>ListHead</name>
        <message>
            <source>By body system and name</source>
            <translation>Nach Körpersystem und Name</translation>
        </message>
        <message>
            <source>Filter 1 structure</source>
            <translation>1 Struktur filtern</translation>
        </message>
        <message>
            <source>Filter structures</source>
            <translation>Strukturen filtern</translation>
        </message>
        <message>
            <source>Filter {count} structures</source>
            <translation>{count} Strukturen filtern</translation>
        </message>
        <message>
            <source>Hide all</source>
            <translation>Alle ausblenden</translation>
        </message>
        <message>
            <source>Hide every structure in the list</source>
            <translation>Jede Struktur der Liste ausblenden</translation>
        </message>
        <message>
            <source>Hide these</source>
            <translation>Diese ausblenden</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Show all</source>
            <translation>Alle einblenden</translation>
        </message>
        <message>
            <source>Show every structure in the list</source>
            <translation>Jede Struktur der Liste einblenden</translation>
        </message>
        <message>
            <source>Show these</source>
            <translation>Diese einblenden</translation>
        </message>
        <message>
            <source>The largest first</source>
            <translation>Die größten zuerst</translation>
        </message>
        <message>
            <source>Type a name, also a Latin one; a slip of the finger is forgiven</source>
            <translation>Geben Sie einen Namen ein, auch einen lateinischen; Tippfehler werden verziehen</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
    </context>
    <context>
        <name>LogView</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Copied</source>
            <translation>Kopiert</translation>
        </message>
        <message>
            <source>Copy report</source>
            <translation>Bericht kopieren</translation>
        </message>
        <message>
            <source>Lines of the log</source>
            <translation>Zeilen des Protokolls</translation>
        </message>
        <message>
            <source>Log</source>
            <translation>Protokoll</translation>
        </message>
        <message>
            <source>Nothing has been logged yet.</source>
            <translation>Noch wurde nichts protokolliert.</translation>
        </message>
        <message>
            <source>The report holds versions, system and these lines; no patient, no folder.</source>
            <translation>Der Bericht enthält Versionen, System und diese Zeilen; keine Patienten, keine Ordner.</translation>
        </message>
    </context>
    <context>
        <name>MainWindow</name>
        <message>
            <source>Stopped. What was shown before is shown again.</source>
            <translation>Angehalten. Es wird wieder gezeigt, was vorher zu sehen war.</translation>
        </message>
    </context>
    <context>
        <name>Measurements</name>
        <message>
            <source>area {area} mm²</source>
            <translation>Fläche {area} mm²</translation>
        </message>
        <message>
            <source>mean {mean} ± {sd}</source>
            <translation>Mittel {mean} ± {sd}</translation>
        </message>
        <message>
            <source>min {lowest}   max {highest}</source>
            <translation>min {lowest}   max {highest}</translation>
        </message>
        <message>
            <source>outside the scan</source>
            <translation>außerhalb der Aufnahme</translation>
        </message>
    </context>
    <context>
        <name>Menus</name>
        <message>
            <source>&amp;Edit</source>
            <translation>&amp;Bearbeiten</translation>
        </message>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Datei</translation>
        </message>
        <message>
            <source>&amp;Help</source>
            <translation>&amp;Hilfe</translation>
        </message>
        <message>
            <source>&amp;Networks</source>
            <translation>&amp;Netze</translation>
        </message>
        <message>
            <source>&amp;Run</source>
            <translation>&amp;Rechnen</translation>
        </message>
        <message>
            <source>&amp;View</source>
            <translation>&amp;Ansicht</translation>
        </message>
        <message>
            <source>3D alone</source>
            <translation>Nur 3D</translation>
        </message>
        <message>
            <source>3D large</source>
            <translation>3D groß</translation>
        </message>
        <message>
            <source>3D view</source>
            <translation>3D-Ansicht</translation>
        </message>
        <message>
            <source>A zip with networks or a bundle; it may be dropped, too</source>
            <translation>Ein Zip mit Netzen oder ein Paket; Sie können es auch auf dem Fenster ablegen</translation>
        </message>
        <message>
            <source>About tsdesktop</source>
            <translation>Über tsdesktop</translation>
        </message>
        <message>
            <source>All networks…</source>
            <translation>Alle Netze…</translation>
        </message>
        <message>
            <source>And without what its files say of the patient</source>
            <translation>Und ohne die Angaben ihrer Dateien zum Patienten</translation>
        </message>
        <message>
            <source>Angle</source>
            <translation>Winkel</translation>
        </message>
        <message>
            <source>Asks the release page, now and only once</source>
            <translation>Fragt die Seite der Versionen, jetzt und nur einmal</translation>
        </message>
        <message>
            <source>Axial alone</source>
            <translation>Nur axial</translation>
        </message>
        <message>
            <source>Axial large</source>
            <translation>Axial groß</translation>
        </message>
        <message>
            <source>Both panels</source>
            <translation>Beide Seiten</translation>
        </message>
        <message>
            <source>Brightness</source>
            <translation>Helligkeit</translation>
        </message>
        <message>
            <source>Cancel the run</source>
            <translation>Berechnung abbrechen</translation>
        </message>
        <message>
            <source>Check this installation…</source>
            <translation>Installation prüfen…</translation>
        </message>
        <message>
            <source>Choose structures…</source>
            <translation>Strukturen wählen…</translation>
        </message>
        <message>
            <source>Click three points; the second is the corner</source>
            <translation>Klicken Sie drei Punkte; der zweite ist der Scheitel</translation>
        </message>
        <message>
            <source>Click where it begins and where it ends</source>
            <translation>Klicken Sie Anfang und Ende</translation>
        </message>
        <message>
            <source>Close scan</source>
            <translation>Aufnahme schließen</translation>
        </message>
        <message>
            <source>Copy picture</source>
            <translation>Bild kopieren</translation>
        </message>
        <message>
            <source>Coronal alone</source>
            <translation>Nur koronal</translation>
        </message>
        <message>
            <source>Distance</source>
            <translation>Strecke</translation>
        </message>
        <message>
            <source>Drag from the middle outwards</source>
            <translation>Ziehen Sie von der Mitte nach außen</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>Export…</translation>
        </message>
        <message>
            <source>Fetch or remove what an NVIDIA card needs</source>
            <translation>Holen oder entfernen, was eine NVIDIA-Karte braucht</translation>
        </message>
        <message>
            <source>Filter the structures found</source>
            <translation>Gefundene Strukturen filtern</translation>
        </message>
        <message>
            <source>Find a task or structure</source>
            <translation>Aufgabe oder Struktur suchen</translation>
        </message>
        <message>
            <source>Four views</source>
            <translation>Vier Ansichten</translation>
        </message>
        <message>
            <source>From above</source>
            <translation>Von oben</translation>
        </message>
        <message>
            <source>From behind</source>
            <translation>Von hinten</translation>
        </message>
        <message>
            <source>From below</source>
            <translation>Von unten</translation>
        </message>
        <message>
            <source>From the front</source>
            <translation>Von vorn</translation>
        </message>
        <message>
            <source>From the patient's left</source>
            <translation>Von links (Patient)</translation>
        </message>
        <message>
            <source>From the patient's right</source>
            <translation>Von rechts (Patient)</translation>
        </message>
        <message>
            <source>Full screen</source>
            <translation>Vollbild</translation>
        </message>
        <message>
            <source>Go to the selected structure</source>
            <translation>Zur ausgewählten Struktur</translation>
        </message>
        <message>
            <source>Graphics card…</source>
            <translation>Grafikkarte…</translation>
        </message>
        <message>
            <source>Hide all structures</source>
            <translation>Alle Strukturen ausblenden</translation>
        </message>
        <message>
            <source>Hides or shows both panels; in the views, the Tab key</source>
            <translation>Blendet beide Seiten aus oder ein; in den Ansichten mit der Tabulatortaste</translation>
        </message>
        <message>
            <source>Import file…</source>
            <translation>Datei importieren…</translation>
        </message>
        <message>
            <source>Import folder…</source>
            <translation>Ordner importieren…</translation>
        </message>
        <message>
            <source>In the 3D view the letter alone does the same</source>
            <translation>In der 3D-Ansicht genügt der Buchstabe allein</translation>
        </message>
        <message>
            <source>Keys and mouse</source>
            <translation>Tasten und Maus</translation>
        </message>
        <message>
            <source>Labels</source>
            <translation>Segmentierung</translation>
        </message>
        <message>
            <source>Licence number…</source>
            <translation>Lizenznummer…</translation>
        </message>
        <message>
            <source>Log…</source>
            <translation>Protokoll…</translation>
        </message>
        <message>
            <source>Look for a new version…</source>
            <translation>Nach neuer Version suchen…</translation>
        </message>
        <message>
            <source>Look for graphics cards again</source>
            <translation>Grafikkarten erneut suchen</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Next part of the window</source>
            <translation>Nächster Teil des Fensters</translation>
        </message>
        <message>
            <source>No measuring</source>
            <translation>Nicht messen</translation>
        </message>
        <message>
            <source>No scans yet</source>
            <translation>Noch keine Aufnahmen</translation>
        </message>
        <message>
            <source>Open folder…</source>
            <translation>Ordner öffnen…</translation>
        </message>
        <message>
            <source>Open labels…</source>
            <translation>Segmentierung öffnen…</translation>
        </message>
        <message>
            <source>Open recent</source>
            <translation>Zuletzt geöffnet</translation>
        </message>
        <message>
            <source>Open the folder of networks</source>
            <translation>Ordner der Netze öffnen</translation>
        </message>
        <message>
            <source>Open the sample</source>
            <translation>Beispiel öffnen</translation>
        </message>
        <message>
            <source>Open…</source>
            <translation>Öffnen…</translation>
        </message>
        <message>
            <source>Preferences…</source>
            <translation>Einstellungen…</translation>
        </message>
        <message>
            <source>Previous part of the window</source>
            <translation>Voriger Teil des Fensters</translation>
        </message>
        <message>
            <source>Print studio…</source>
            <translation>Druckstudio…</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>Beenden</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Remove all measurements</source>
            <translation>Alle Messungen entfernen</translation>
        </message>
        <message>
            <source>Reset the views</source>
            <translation>Ansichten zurücksetzen</translation>
        </message>
        <message>
            <source>Results of nnU-Net, or the home of TotalSegmentator</source>
            <translation>Ergebnisse von nnU-Net oder der Ordner von TotalSegmentator</translation>
        </message>
        <message>
            <source>Sagittal alone</source>
            <translation>Nur sagittal</translation>
        </message>
        <message>
            <source>Save picture of the views…</source>
            <translation>Bild der Ansichten speichern…</translation>
        </message>
        <message>
            <source>Segment</source>
            <translation>Segmentieren</translation>
        </message>
        <message>
            <source>Select nothing</source>
            <translation>Auswahl aufheben</translation>
        </message>
        <message>
            <source>Share scan without face…</source>
            <translation>Aufnahme ohne Gesicht weitergeben…</translation>
        </message>
        <message>
            <source>Show all structures</source>
            <translation>Alle Strukturen einblenden</translation>
        </message>
        <message>
            <source>Structure panel</source>
            <translation>Seite mit Strukturen</translation>
        </message>
        <message>
            <source>Structures as parts for a printer, checked first</source>
            <translation>Strukturen als Teile für einen Drucker, zuvor geprüft</translation>
        </message>
        <message>
            <source>Task panel</source>
            <translation>Seite mit Aufgaben</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Values in a circle</source>
            <translation>Werte in einem Kreis</translation>
        </message>
        <message>
            <source>What is here, how large it is, what is missing</source>
            <translation>Was hier ist, wie groß es ist, was fehlt</translation>
        </message>
        <message>
            <source>What is this file?</source>
            <translation>Was ist das für eine Datei?</translation>
        </message>
    </context>
    <context>
        <name>MeshFindings</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Every surface was looked at as for 3D printing. Warnings keep no file from being written.</source>
            <translation>Jede Oberfläche wurde wie für den 3D-Druck angesehen. Warnungen verhindern das Schreiben nicht.</translation>
        </message>
        <message>
            <source>Surfaces</source>
            <translation>Oberflächen</translation>
        </message>
        <message>
            <source>Surfaces: {parts}</source>
            <translation>Oberflächen: {parts}</translation>
        </message>
        <message>
            <source>{count} ready to print</source>
            <translation>{count} druckbereit</translation>
        </message>
        <message>
            <source>{count} with a problem</source>
            <translation>{count} mit einem Problem</translation>
        </message>
        <message>
            <source>{count} with a warning</source>
            <translation>{count} mit einer Warnung</translation>
        </message>
    </context>
    <context>
        <name>MissingNetworks</name>
        <message>
            <source>Download and run</source>
            <translation>Herunterladen und rechnen</translation>
        </message>
        <message>
            <source>Enter a licence number, or find out how to get one</source>
            <translation>Lizenznummer eingeben, oder erfahren, wie man eine bekommt</translation>
        </message>
        <message>
            <source>Enter licence number…</source>
            <translation>Lizenznummer eingeben…</translation>
        </message>
        <message>
            <source>Fewer ways</source>
            <translation>Weniger Wege</translation>
        </message>
        <message>
            <source>For a computer without internet</source>
            <translation>Für einen Computer ohne Internet</translation>
        </message>
        <message>
            <source>Its network is not on this computer any more.</source>
            <translation>Das Netz dafür ist nicht mehr hier.</translation>
        </message>
        <message>
            <source>Its network is not on this computer yet.</source>
            <translation>Das Netz dafür ist noch nicht hier.</translation>
        </message>
        <message>
            <source>Its network is not on this computer yet: {size} to download.</source>
            <translation>Das Netz dafür ist noch nicht hier: {size} herunterzuladen.</translation>
        </message>
        <message>
            <source>Its {count} networks are not on this computer yet.</source>
            <translation>Die {count} Netze dafür sind noch nicht hier.</translation>
        </message>
        <message>
            <source>Its {count} networks are not on this computer yet: {size} to download.</source>
            <translation>Die {count} Netze dafür sind noch nicht hier: {size} herunterzuladen.</translation>
        </message>
        <message>
            <source>Other ways</source>
            <translation>Andere Wege</translation>
        </message>
        <message>
            <source>Resume and run</source>
            <translation>Fortsetzen und rechnen</translation>
        </message>
        <message>
            <source>The network is incomplete: {what} is missing.</source>
            <translation>Das Netz ist unvollständig: {what} fehlt.</translation>
        </message>
        <message>
            <source>This task needs a network that comes with a licence number.</source>
            <translation>Diese Aufgabe braucht ein Netz, das es nur mit Lizenznummer gibt.</translation>
        </message>
        <message>
            <source>{amount} of its network are here.</source>
            <translation>{amount} des Netzes sind hier.</translation>
        </message>
        <message>
            <source>{amount} of its {count} networks are here.</source>
            <translation>{amount} der {count} Netze sind hier.</translation>
        </message>
    </context>
    <context>
        <name>NetworkColours</name>
        <message>
            <source>Any other colour</source>
            <translation>Jede andere Farbe</translation>
        </message>
        <message>
            <source>Colour of {name}</source>
            <translation>Farbe von {name}</translation>
        </message>
        <message>
            <source>More…</source>
            <translation>Mehr…</translation>
        </message>
    </context>
    <context>
        <name>NetworkDetails</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Copy link</source>
            <translation>Link kopieren</translation>
        </message>
        <message>
            <source>Copy the address of its zip, to download it with a browser and import it here</source>
            <translation>Die Adresse seines Zips kopieren, um es mit einem Browser herunterzuladen und hier zu importieren</translation>
        </message>
        <message>
            <source>Dataset</source>
            <translation>Datensatz</translation>
        </message>
        <message>
            <source>Delete…</source>
            <translation>Löschen…</translation>
        </message>
        <message>
            <source>Discard</source>
            <translation>Verwerfen</translation>
        </message>
        <message>
            <source>Download</source>
            <translation>Herunterladen</translation>
        </message>
        <message>
            <source>Download and install it; the window stays usable meanwhile</source>
            <translation>Herunterladen und einrichten; das Fenster bleibt dabei benutzbar</translation>
        </message>
        <message>
            <source>Download it again and put it in place of the broken one</source>
            <translation>Noch einmal herunterladen und das defekte damit ersetzen</translation>
        </message>
        <message>
            <source>Download what its makers have published since, in place of this one</source>
            <translation>Herunterladen, was die Herausgeber seitdem veröffentlicht haben, und dieses damit ersetzen</translation>
        </message>
        <message>
            <source>Enter a licence number, or find out how to get one</source>
            <translation>Lizenznummer eingeben, oder erfahren, wie man eine bekommt</translation>
        </message>
        <message>
            <source>For</source>
            <translation>Für</translation>
        </message>
        <message>
            <source>Go on where it stopped</source>
            <translation>Dort weitermachen, wo es stehen blieb</translation>
        </message>
        <message>
            <source>Go on with what is here already</source>
            <translation>Mit dem weitermachen, was schon hier ist</translation>
        </message>
        <message>
            <source>Licence number, free for non-commercial use</source>
            <translation>Lizenznummer, für nicht kommerzielle Nutzung kostenlos</translation>
        </message>
        <message>
            <source>Licence…</source>
            <translation>Lizenz…</translation>
        </message>
        <message>
            <source>Non-commercial use only ({terms})</source>
            <translation>Nur nicht kommerzielle Nutzung ({terms})</translation>
        </message>
        <message>
            <source>Open folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Pausieren</translation>
        </message>
        <message>
            <source>Place</source>
            <translation>Ort</translation>
        </message>
        <message>
            <source>Read every file and compare it with what was published</source>
            <translation>Jede Datei lesen und mit dem Veröffentlichten vergleichen</translation>
        </message>
        <message>
            <source>Remove it from this computer; it can be downloaded again (Delete key)</source>
            <translation>Von diesem Computer entfernen; es lässt sich wieder herunterladen (Entf-Taste)</translation>
        </message>
        <message>
            <source>Remove the part that was downloaded</source>
            <translation>Den heruntergeladenen Teil entfernen</translation>
        </message>
        <message>
            <source>Repair</source>
            <translation>Reparieren</translation>
        </message>
        <message>
            <source>Resume</source>
            <translation>Fortsetzen</translation>
        </message>
        <message>
            <source>Select networks to see what they are for and what can be done with them.</source>
            <translation>Wählen Sie Netze aus, um zu sehen, wofür sie sind und was sich mit ihnen tun lässt.</translation>
        </message>
        <message>
            <source>Show where it is in the file manager</source>
            <translation>In der Dateiverwaltung zeigen, wo es liegt</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Stop and remove what is here of it</source>
            <translation>Abbrechen und entfernen, was davon hier ist</translation>
        </message>
        <message>
            <source>Stop for now and keep what is here of it</source>
            <translation>Vorerst anhalten und behalten, was davon hier ist</translation>
        </message>
        <message>
            <source>Terms</source>
            <translation>Bedingungen</translation>
        </message>
        <message>
            <source>Try again</source>
            <translation>Erneut versuchen</translation>
        </message>
        <message>
            <source>Update</source>
            <translation>Aktualisieren</translation>
        </message>
        <message>
            <source>Verify</source>
            <translation>Prüfen</translation>
        </message>
        <message>
            <source>and {count} more</source>
            <translation>und {count} weitere</translation>
        </message>
        <message>
            <source>not known before it is downloaded</source>
            <translation>erst nach dem Herunterladen bekannt</translation>
        </message>
        <message>
            <source>read only</source>
            <translation>nur lesbar</translation>
        </message>
        <message>
            <source>{size} on disk</source>
            <translation>{size} belegt</translation>
        </message>
        <message>
            <source>{size} to download</source>
            <translation>{size} herunterzuladen</translation>
        </message>
    </context>
    <context>
        <name>NetworkList</name>
        <message>
            <source>Networks</source>
            <translation>Netze</translation>
        </message>
        <message>
            <source>Return does the first thing that can be done, the delete key deletes, the menu key offers all</source>
            <translation>Eingabetaste tut das Erste, was sich tun lässt, Entf löscht, die Menütaste bietet alles</translation>
        </message>
    </context>
    <context>
        <name>NetworkParts</name>
        <message>
            <source>first part</source>
            <translation>erster Teil</translation>
        </message>
        <message>
            <source>heart and vessels</source>
            <translation>Herz und Gefäße</translation>
        </message>
        <message>
            <source>muscles</source>
            <translation>Muskeln</translation>
        </message>
        <message>
            <source>organs</source>
            <translation>Organe</translation>
        </message>
        <message>
            <source>ribs</source>
            <translation>Rippen</translation>
        </message>
        <message>
            <source>second part</source>
            <translation>zweiter Teil</translation>
        </message>
        <message>
            <source>vertebrae</source>
            <translation>Wirbel</translation>
        </message>
    </context>
    <context>
        <name>Networks</name>
        <message>
            <source> and 1 of unknown size</source>
            <translation> und eines von unbekannter Größe</translation>
        </message>
        <message>
            <source> and {count} of unknown size</source>
            <translation> und {count} von unbekannter Größe</translation>
        </message>
        <message>
            <source>(read only)</source>
            <translation>(nur lesbar)</translation>
        </message>
        <message>
            <source>1 network</source>
            <translation>1 Netz</translation>
        </message>
        <message>
            <source>A part of it is missing or damaged.</source>
            <translation>Ein Teil davon fehlt oder ist beschädigt.</translation>
        </message>
        <message>
            <source>A zip, a bundle or a folder with networks; it can also be dropped on this window</source>
            <translation>Ein Zip, ein Paket oder ein Ordner mit Netzen; Sie können es auch auf diesem Fenster ablegen</translation>
        </message>
        <message>
            <source>All networks that are not here, so that everything runs without internet</source>
            <translation>Alle Netze, die nicht hier sind, damit alles ohne Internet rechnet</translation>
        </message>
        <message>
            <source>All that some tasks can ever need</source>
            <translation>Alles, was einige Aufgaben je brauchen können</translation>
        </message>
        <message>
            <source>All {count} networks are whole.</source>
            <translation>Alle {count} Netze sind unversehrt.</translation>
        </message>
        <message>
            <source>Asks the page they were published on; nothing is asked without this</source>
            <translation>Fragt die Seite, auf der sie veröffentlicht sind; sonst wird nichts gefragt</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Delete {name}? It frees {size}.</source>
            <translation>{name} löschen? Das macht {size} frei.</translation>
        </message>
        <message>
            <source>Delete {networks}? It frees {size}.</source>
            <translation>{networks} löschen? Das macht {size} frei.</translation>
        </message>
        <message>
            <source>Download everything for offline use ({size})</source>
            <translation>Alles für Betrieb ohne Internet laden ({size})</translation>
        </message>
        <message>
            <source>Download for tasks…</source>
            <translation>Für Aufgaben herunterladen…</translation>
        </message>
        <message>
            <source>Downloaded in part: {amount}.</source>
            <translation>Zum Teil heruntergeladen: {amount}.</translation>
        </message>
        <message>
            <source>Everything is here.</source>
            <translation>Alles ist hier.</translation>
        </message>
        <message>
            <source>Export bundle…</source>
            <translation>Paket exportieren…</translation>
        </message>
        <message>
            <source>Find a network</source>
            <translation>Netz suchen</translation>
        </message>
        <message>
            <source>Folder…</source>
            <translation>Ordner…</translation>
        </message>
        <message>
            <source>For: {tasks}</source>
            <translation>Für: {tasks}</translation>
        </message>
        <message>
            <source>Import</source>
            <translation>Importieren</translation>
        </message>
        <message>
            <source>Import networks</source>
            <translation>Netze importieren</translation>
        </message>
        <message>
            <source>It cannot be run here: {reason}.</source>
            <translation>Es kann hier nicht rechnen: {reason}.</translation>
        </message>
        <message>
            <source>It comes after those before it.</source>
            <translation>Es folgt auf die anderen vor ihm.</translation>
        </message>
        <message>
            <source>Its makers have published another version since.</source>
            <translation>Die Herausgeber haben seitdem eine andere Version veröffentlicht.</translation>
        </message>
        <message>
            <source>Look for updates</source>
            <translation>Nach Updates suchen</translation>
        </message>
        <message>
            <source>Looking…</source>
            <translation>Wird gesucht…</translation>
        </message>
        <message>
            <source>Needs a licence number; free for non-commercial use</source>
            <translation>Braucht eine Lizenznummer; für nicht kommerzielle Nutzung kostenlos</translation>
        </message>
        <message>
            <source>Networks</source>
            <translation>Netze</translation>
        </message>
        <message>
            <source>Networks and bundles (*.zip);;All files (*)</source>
            <translation>Netze und Pakete (*.zip);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Networks in one file, for a computer without internet</source>
            <translation>Netze in einer Datei, für einen Computer ohne Internet</translation>
        </message>
        <message>
            <source>No task of this version uses it; it only takes room.</source>
            <translation>Keine Aufgabe dieser Version benutzt es; es belegt nur Platz.</translation>
        </message>
        <message>
            <source>Not on this computer.</source>
            <translation>Nicht auf diesem Computer.</translation>
        </message>
        <message>
            <source>Not on this computer; it comes with a licence number.</source>
            <translation>Nicht auf diesem Computer; es gibt es mit einer Lizenznummer.</translation>
        </message>
        <message>
            <source>Not used any more</source>
            <translation>Nicht mehr benutzt</translation>
        </message>
        <message>
            <source>Nothing is called “{query}”.</source>
            <translation>Nichts heißt „{query}“.</translation>
        </message>
        <message>
            <source>Nothing newer was published.</source>
            <translation>Nichts Neueres wurde veröffentlicht.</translation>
        </message>
        <message>
            <source>Nothing was deleted.</source>
            <translation>Nichts wurde gelöscht.</translation>
        </message>
        <message>
            <source>On this computer, ready to run.</source>
            <translation>Auf diesem Computer, rechenbereit.</translation>
        </message>
        <message>
            <source>On this computer; every file is whole.</source>
            <translation>Auf diesem Computer; jede Datei ist unversehrt.</translation>
        </message>
        <message>
            <source>Paused; what is here of it is kept.</source>
            <translation>Pausiert; was davon hier ist, bleibt.</translation>
        </message>
        <message>
            <source>There are other versions of {count} networks.</source>
            <translation>Es gibt andere Versionen von {count} Netzen.</translation>
        </message>
        <message>
            <source>There is another version of 1 network.</source>
            <translation>Es gibt eine andere Version von 1 Netz.</translation>
        </message>
        <message>
            <source>Type a task, the number of a dataset, or a state such as “missing”</source>
            <translation>Geben Sie eine Aufgabe, die Nummer eines Datensatzes oder einen Zustand wie „fehlt“ ein</translation>
        </message>
        <message>
            <source>Your own. It is in the list of tasks.</source>
            <translation>Ihr eigenes. Es steht in der Liste der Aufgaben.</translation>
        </message>
        <message>
            <source>Zip or bundle…</source>
            <translation>Zip oder Paket…</translation>
        </message>
        <message>
            <source>also for 1 task</source>
            <translation>auch für 1 Aufgabe</translation>
        </message>
        <message>
            <source>also for {count} tasks</source>
            <translation>auch für {count} Aufgaben</translation>
        </message>
        <message>
            <source>another program is at it</source>
            <translation>ein anderes Programm ist dabei</translation>
        </message>
        <message>
            <source>broken</source>
            <translation>defekt</translation>
        </message>
        <message>
            <source>cannot run</source>
            <translation>nicht nutzbar</translation>
        </message>
        <message>
            <source>checking</source>
            <translation>wird geprüft</translation>
        </message>
        <message>
            <source>comes with the program</source>
            <translation>kommt mit dem Programm</translation>
        </message>
        <message>
            <source>connecting</source>
            <translation>wird verbunden</translation>
        </message>
        <message>
            <source>connection lost</source>
            <translation>Verbindung abgebrochen</translation>
        </message>
        <message>
            <source>dataset {number}</source>
            <translation>Datensatz {number}</translation>
        </message>
        <message>
            <source>downloading</source>
            <translation>lädt</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>fehlgeschlagen</translation>
        </message>
        <message>
            <source>here</source>
            <translation>hier</translation>
        </message>
        <message>
            <source>in TotalSegmentator's folder</source>
            <translation>im Ordner von TotalSegmentator</translation>
        </message>
        <message>
            <source>missing</source>
            <translation>fehlt</translation>
        </message>
        <message>
            <source>needs a licence number</source>
            <translation>braucht eine Lizenznummer</translation>
        </message>
        <message>
            <source>next try in {time}</source>
            <translation>neuer Versuch in {time}</translation>
        </message>
        <message>
            <source>obsolete</source>
            <translation>veraltet</translation>
        </message>
        <message>
            <source>of an earlier version</source>
            <translation>aus einer früheren Version</translation>
        </message>
        <message>
            <source>partial</source>
            <translation>zum Teil hier</translation>
        </message>
        <message>
            <source>paused</source>
            <translation>pausiert</translation>
        </message>
        <message>
            <source>starting</source>
            <translation>wird gestartet</translation>
        </message>
        <message>
            <source>unpacking</source>
            <translation>wird entpackt</translation>
        </message>
        <message>
            <source>update available</source>
            <translation>Update verfügbar</translation>
        </message>
        <message>
            <source>verified</source>
            <translation>geprüft</translation>
        </message>
        <message>
            <source>waiting</source>
            <translation>wartet</translation>
        </message>
        <message>
            <source>{broken} of {count} networks are broken. Repair downloads them again.</source>
            <translation>{broken} von {count} Netzen sind defekt. Reparieren lädt sie noch einmal herunter.</translation>
        </message>
        <message>
            <source>{count} networks</source>
            <translation>{count} Netze</translation>
        </message>
        <message>
            <source>{count} tasks need it.</source>
            <translation>{count} Aufgaben brauchen es.</translation>
        </message>
        <message>
            <source>{here} of {count} here</source>
            <translation>{here} von {count} hier</translation>
        </message>
        <message>
            <source>{name} is here, in place of the earlier one.</source>
            <translation>{name} ist hier und ersetzt das frühere Netz.</translation>
        </message>
        <message>
            <source>{name} is here.</source>
            <translation>{name} ist hier.</translation>
        </message>
        <message>
            <source>{name} is whole.</source>
            <translation>{name} ist unversehrt.</translation>
        </message>
        <message>
            <source>{networks} are here.</source>
            <translation>{networks} sind hier.</translation>
        </message>
        <message>
            <source>{networks}, {size} to download</source>
            <translation>{networks}, {size} herunterzuladen</translation>
        </message>
        <message>
            <source>{size} are free again.</source>
            <translation>{size} sind wieder frei.</translation>
        </message>
        <message>
            <source>{size} on disk</source>
            <translation>{size} belegt</translation>
        </message>
        <message>
            <source>{size} to download</source>
            <translation>{size} herunterzuladen</translation>
        </message>
        <message>
            <source>{text}: they need {needed}, and only {free} are free on this disk.</source>
            <translation>{text}: nötig sind {needed}, frei sind auf diesem Datenträger nur {free}.</translation>
        </message>
        <message>
            <source>{text}; {free} are free.</source>
            <translation>{text}; {free} sind frei.</translation>
        </message>
        <message>
            <source>{time} left</source>
            <translation>noch {time}</translation>
        </message>
        <message>
            <source>{used} on this computer</source>
            <translation>{used} auf diesem Computer</translation>
        </message>
        <message>
            <source>{used} on this computer · {free} free</source>
            <translation>{used} auf diesem Computer · {free} frei</translation>
        </message>
    </context>
    <context>
        <name>NetworksFlow</name>
        <message>
            <source>All files</source>
            <translation>Alle Dateien</translation>
        </message>
        <message>
            <source>Import networks</source>
            <translation>Netze importieren</translation>
        </message>
        <message>
            <source>Networks</source>
            <translation>Netze</translation>
        </message>
        <message>
            <source>{count} networks are ready.</source>
            <translation>{count} Netze sind bereit.</translation>
        </message>
        <message>
            <source>{title} is a task now.</source>
            <translation>{title} ist jetzt eine Aufgabe.</translation>
        </message>
        <message>
            <source>{title} is ready.</source>
            <translation>{title} ist bereit.</translation>
        </message>
    </context>
    <context>
        <name>NetworksLine</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Dismiss</source>
            <translation>Ausblenden</translation>
        </message>
        <message>
            <source>How far it is</source>
            <translation>Wie weit es ist</translation>
        </message>
        <message>
            <source>Stopped; nothing was changed.</source>
            <translation>Angehalten; nichts wurde geändert.</translation>
        </message>
        <message>
            <source>Stopping…</source>
            <translation>Wird angehalten…</translation>
        </message>
        <message>
            <source>Stops it; nothing is left half done</source>
            <translation>Hält an; nichts bleibt halb fertig</translation>
        </message>
    </context>
    <context>
        <name>NotesLine</name>
        <message>
            <source>All notes, and what to do about them</source>
            <translation>Alle Hinweise, und was zu tun ist</translation>
        </message>
        <message>
            <source>Choose series…</source>
            <translation>Serie wählen…</translation>
        </message>
        <message>
            <source>Choose volume…</source>
            <translation>Volumen wählen…</translation>
        </message>
        <message>
            <source>Details</source>
            <translation>Details</translation>
        </message>
        <message>
            <source>Dismiss</source>
            <translation>Ausblenden</translation>
        </message>
        <message>
            <source>Dismiss (Esc)</source>
            <translation>Ausblenden (Esc)</translation>
        </message>
        <message>
            <source>It is CT</source>
            <translation>Es ist CT</translation>
        </message>
        <message>
            <source>It is MR</source>
            <translation>Es ist MR</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Hinweise</translation>
        </message>
        <message>
            <source>and {count} more</source>
            <translation>und {count} weitere</translation>
        </message>
    </context>
    <context>
        <name>NotesPopup</name>
        <message>
            <source>Notes about this scan</source>
            <translation>Hinweise zu dieser Aufnahme</translation>
        </message>
    </context>
    <context>
        <name>OpacityRow</name>
        <message>
            <source>How much of what lies behind it the 3D view lets through</source>
            <translation>Wie viel die 3D-Ansicht von dem durchscheinen lässt, was dahinter liegt</translation>
        </message>
        <message>
            <source>Opacity</source>
            <translation>Deckkraft</translation>
        </message>
        <message>
            <source>Opacity in 3D</source>
            <translation>Deckkraft in 3D</translation>
        </message>
        <message>
            <source>{percent} %</source>
            <translation>{percent} %</translation>
        </message>
    </context>
    <context>
        <name>OpeningBar</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Opening {name}</source>
            <translation>{name} wird geöffnet</translation>
        </message>
        <message>
            <source>Progress of opening</source>
            <translation>Fortschritt beim Öffnen</translation>
        </message>
    </context>
    <context>
        <name>OptionChoices</name>
        <message>
            <source>big</source>
            <translation>groß</translation>
        </message>
        <message>
            <source>half</source>
            <translation>halb</translation>
        </message>
        <message>
            <source>single</source>
            <translation>einfach</translation>
        </message>
        <message>
            <source>small</source>
            <translation>klein</translation>
        </message>
    </context>
    <context>
        <name>OptionTitles</name>
        <message>
            <source>Bone from</source>
            <translation>Knochen ab</translation>
        </message>
        <message>
            <source>Compute in three parts</source>
            <translation>In drei Teilen rechnen</translation>
        </message>
        <message>
            <source>Crop to the body</source>
            <translation>Auf den Körper zuschneiden</translation>
        </message>
        <message>
            <source>Networks</source>
            <translation>Netze</translation>
        </message>
        <message>
            <source>Processor precision</source>
            <translation>Prozessorgenauigkeit</translation>
        </message>
        <message>
            <source>Processor threads</source>
            <translation>Prozessor-Threads</translation>
        </message>
        <message>
            <source>Remove pieces up to</source>
            <translation>Teile entfernen bis</translation>
        </message>
        <message>
            <source>Resampling order</source>
            <translation>Interpolationsordnung</translation>
        </message>
        <message>
            <source>Robust crop</source>
            <translation>Robuster Zuschnitt</translation>
        </message>
        <message>
            <source>Smooth labels</source>
            <translation>Glatte Ränder</translation>
        </message>
        <message>
            <source>Smooth labels, the earlier way</source>
            <translation>Glatte Ränder, frühere Art</translation>
        </message>
    </context>
    <context>
        <name>Options</name>
        <message>
            <source>a file per structure, one file with all surfaces as one object, one file with an object for each</source>
            <translation>eine Datei je Struktur, eine Datei mit allen Oberflächen als einem Objekt, eine Datei mit je einem Objekt</translation>
        </message>
        <message>
            <source>compute in three parts along the body, as upstream does for large scans</source>
            <translation>in drei Teilen entlang des Körpers rechnen, wie TotalSegmentator bei großen Aufnahmen</translation>
        </message>
        <message>
            <source>compute only inside the body, found with a 6 mm network (CT)</source>
            <translation>nur innerhalb des Körpers rechnen, den ein 6-mm-Netz findet (CT)</translation>
        </message>
        <message>
            <source>coordinates of the meshes, in mm</source>
            <translation>Koordinaten der Oberflächen, in mm</translation>
        </message>
        <message>
            <source>do not look at meshes as for printing before they are written</source>
            <translation>Oberflächen vor dem Schreiben nicht wie für den Druck prüfen</translation>
        </message>
        <message>
            <source>do not write the masks body and skin of the task body</source>
            <translation>die Masken body und skin der Aufgabe body nicht schreiben</translation>
        </message>
        <message>
            <source>find the region to compute with the 3 mm network instead of the 6 mm one</source>
            <translation>den Bereich mit dem 3-mm-Netz statt mit dem 6-mm-Netz suchen</translation>
        </message>
        <message>
            <source>formats of the labels; those of DICOM need a scan that was read from DICOM</source>
            <translation>Formate der Segmentierung; die von DICOM brauchen eine Aufnahme aus DICOM-Dateien</translation>
        </message>
        <message>
            <source>how a DICOM segmentation is stored: binary is read most widely (3D Slicer, OHIF), deflated is the same compressed (pydicom, highdicom), labelmap is compressed and newer (highdicom from 0.24, OHIF from 3.11)</source>
            <translation>Form einer DICOM-Segmentierung: binary lesen die meisten Programme (3D Slicer, OHIF), deflated ist dasselbe komprimiert (pydicom, highdicom), labelmap ist komprimiert und neuer (highdicom ab 0.24, OHIF ab 3.11)</translation>
        </message>
        <message>
            <source>how exactly the processor computes: half is faster where it has bfloat16, a few voxels differ</source>
            <translation>wie genau der Prozessor rechnet: half ist schneller, wo er bfloat16 hat; einige Voxel weichen ab</translation>
        </message>
        <message>
            <source>how smooth the meshes are</source>
            <translation>wie glatt die Oberflächen sind</translation>
        </message>
        <message>
            <source>in the JSON, do not set structures at the scan's border to zero</source>
            <translation>in der JSON-Datei Strukturen am Rand der Aufnahme nicht auf null setzen</translation>
        </message>
        <message>
            <source>label numbers of TotalSegmentator version 1 (task total)</source>
            <translation>Labelnummern von TotalSegmentator Version 1 (Aufgabe total)</translation>
        </message>
        <message>
            <source>one file with all labels, or one file per structure</source>
            <translation>eine Datei mit allen Labels, oder eine Datei je Struktur</translation>
        </message>
        <message>
            <source>only these structures of a total task</source>
            <translation>nur diese Strukturen einer total-Aufgabe</translation>
        </message>
        <message>
            <source>processor threads; 0 takes all</source>
            <translation>Prozessor-Threads; 0 nimmt alle</translation>
        </message>
        <message>
            <source>remove pieces of a structure up to this many mm3 (200 when no number is given)</source>
            <translation>Teile einer Struktur bis zu so vielen mm3 entfernen (200, wenn keine Zahl angegeben ist)</translation>
        </message>
        <message>
            <source>replace files that exist</source>
            <translation>vorhandene Dateien ersetzen</translation>
        </message>
        <message>
            <source>save triangles where no place of a mesh moves farther than this; 0 keeps all</source>
            <translation>Dreiecke einsparen, wo sich keine Stelle einer Oberfläche weiter als so viel verschiebt; 0 behält alle</translation>
        </message>
        <message>
            <source>smoother borders the earlier way: every label's mask is interpolated</source>
            <translation>glattere Ränder auf die frühere Art: die Maske jedes Labels wird interpoliert</translation>
        </message>
        <message>
            <source>smoother borders: interpolate the network's output instead of its labels</source>
            <translation>glattere Ränder: die Ausgabe des Netzes statt seiner Labels interpolieren</translation>
        </message>
        <message>
            <source>smoothing by the width whose height is halved, in mm, instead; 0 for none</source>
            <translation>stattdessen Glättung nach der Breite, deren Höhe halbiert wird, in mm; 0 für keine</translation>
        </message>
        <message>
            <source>spline order of the scan's resampling, 0 to 5</source>
            <translation>Spline-Ordnung bei der Interpolation der Aufnahme, 0 bis 5</translation>
        </message>
        <message>
            <source>task bone only: voxels above this many Hounsfield units count as dense bone</source>
            <translation>nur Aufgabe bone: Voxel über so vielen Hounsfield-Einheiten gelten als dichter Knochen</translation>
        </message>
        <message>
            <source>the 3 mm network (6 mm for body)</source>
            <translation>das 3-mm-Netz (6 mm bei body)</translation>
        </message>
        <message>
            <source>the 6 mm network</source>
            <translation>das 6-mm-Netz</translation>
        </message>
        <message>
            <source>the task; `tsdesktop info` lists them</source>
            <translation>die Aufgabe; `tsdesktop info` zählt alle auf</translation>
        </message>
        <message>
            <source>total_v3 only: the big or the small networks</source>
            <translation>nur total_v3: die großen oder die kleinen Netze</translation>
        </message>
        <message>
            <source>where networks run: auto, cpu, gpu, gpu:N or mps</source>
            <translation>wo Netze rechnen: auto, cpu, gpu, gpu:N oder mps</translation>
        </message>
        <message>
            <source>which DICOM series: its number in the list, its UID or its description</source>
            <translation>welche DICOM-Serie: ihre Nummer in der Liste, ihre UID oder ihre Beschreibung</translation>
        </message>
        <message>
            <source>which average the JSON's intensity is</source>
            <translation>welcher Mittelwert die Intensität in der JSON-Datei ist</translation>
        </message>
        <message>
            <source>which volume of a file with several (time points, b-values), from 0</source>
            <translation>welches Volumen einer Datei mit mehreren (Zeitpunkte, b-Werte), ab 0</translation>
        </message>
        <message>
            <source>with --fast or --fastest: keep the labels at 3 or 6 mm</source>
            <translation>mit --fast oder --fastest: die Labels bei 3 oder 6 mm lassen</translation>
        </message>
        <message>
            <source>write a picture of the result</source>
            <translation>ein Bild des Ergebnisses schreiben</translation>
        </message>
        <message>
            <source>write no label map, only what else was asked for</source>
            <translation>keine Segmentierung schreiben, nur was sonst verlangt wurde</translation>
        </message>
        <message>
            <source>write no run manifest (what was run, with which networks and options)</source>
            <translation>kein Manifest der Berechnung schreiben (was, mit welchen Netzen und Optionen)</translation>
        </message>
        <message>
            <source>write surfaces in these formats</source>
            <translation>Oberflächen in diesen Formaten schreiben</translation>
        </message>
        <message>
            <source>write the networks' probabilities (.npz, one file per network)</source>
            <translation>die Wahrscheinlichkeiten der Netze schreiben (.npz, eine Datei je Netz)</translation>
        </message>
        <message>
            <source>write volumes and intensities (JSON as upstream; CSV, XLSX and JSON with more)</source>
            <translation>Volumen und Intensitäten schreiben (JSON wie TotalSegmentator; CSV, XLSX und JSON mit mehr)</translation>
        </message>
        <message>
            <source>write volumes and intensities as a DICOM structured report</source>
            <translation>Volumen und Intensitäten als strukturierten DICOM-Befund schreiben</translation>
        </message>
    </context>
    <context>
        <name>OtherWays</name>
        <message>
            <source>A zip that was downloaded elsewhere; it may be dropped on the window, too</source>
            <translation>Ein Zip, das anderswo heruntergeladen wurde; Sie können es auch auf dem Fenster ablegen</translation>
        </message>
        <message>
            <source>Copied</source>
            <translation>Kopiert</translation>
        </message>
        <message>
            <source>Copy link</source>
            <translation>Link kopieren</translation>
        </message>
        <message>
            <source>Copy links</source>
            <translation>Links kopieren</translation>
        </message>
        <message>
            <source>Download without running</source>
            <translation>Herunterladen, ohne zu rechnen</translation>
        </message>
        <message>
            <source>For a browser</source>
            <translation>Für einen Browser</translation>
        </message>
        <message>
            <source>Gets the networks for a later run</source>
            <translation>Holt die Netze für eine spätere Berechnung</translation>
        </message>
        <message>
            <source>Import file…</source>
            <translation>Datei importieren…</translation>
        </message>
        <message>
            <source>Look again</source>
            <translation>Erneut suchen</translation>
        </message>
        <message>
            <source>Look for the networks again</source>
            <translation>Erneut nach den Netzen suchen</translation>
        </message>
        <message>
            <source>Open folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Unpack in {place}</source>
            <translation>Entpacken in {place}</translation>
        </message>
        <message>
            <source>Where networks belong</source>
            <translation>Wohin Netze gehören</translation>
        </message>
        <message>
            <source>and {count} more</source>
            <translation>und {count} weitere</translation>
        </message>
    </context>
    <context>
        <name>PartsBox</name>
        <message>
            <source>All parts</source>
            <translation>Alle Teile</translation>
        </message>
        <message>
            <source>Material</source>
            <translation>Material</translation>
        </message>
        <message>
            <source>No parts yet</source>
            <translation>Noch keine Teile</translation>
        </message>
        <message>
            <source>Parts</source>
            <translation>Teile</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Triangles</source>
            <translation>Dreiecke</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
        <message>
            <source>{volume}, {material}, {triangles} triangles</source>
            <translation>{volume}, {material}, {triangles} Dreiecke</translation>
        </message>
    </context>
    <context>
        <name>PathField</name>
        <message>
            <source>Browse…</source>
            <translation>Durchsuchen…</translation>
        </message>
    </context>
    <context>
        <name>PinnedTask</name>
        <message>
            <source>Chosen</source>
            <translation>Gewählt</translation>
        </message>
    </context>
    <context>
        <name>PlaneFields</name>
        <message>
            <source>Across the view</source>
            <translation>Quer zum Blick</translation>
        </message>
        <message>
            <source>Along which slices</source>
            <translation>Entlang welcher Schichten</translation>
        </message>
        <message>
            <source>Axial</source>
            <translation>Axial</translation>
        </message>
        <message>
            <source>Coronal</source>
            <translation>Koronal</translation>
        </message>
        <message>
            <source>In the preview only; files hold them in their places</source>
            <translation>Nur in der Vorschau; in Dateien bleiben sie an ihrem Ort</translation>
        </message>
        <message>
            <source>On the bed, axial is level with it</source>
            <translation>Auf dem Druckbett liegt axial waagerecht</translation>
        </message>
        <message>
            <source>Sagittal</source>
            <translation>Sagittal</translation>
        </message>
        <message>
            <source>Show the halves apart</source>
            <translation>Hälften auseinander zeigen</translation>
        </message>
        <message>
            <source>The frame of the plane can also be dragged in the preview</source>
            <translation>Der Rahmen der Ebene lässt sich auch in der Vorschau ziehen</translation>
        </message>
        <message>
            <source>The other half gets the pins</source>
            <translation>Die andere Hälfte bekommt die Zapfen</translation>
        </message>
        <message>
            <source>The plane faces you, as the preview is turned now</source>
            <translation>Die Ebene ist Ihnen zugewandt, so wie die Vorschau gerade gedreht ist</translation>
        </message>
        <message>
            <source>Turn round</source>
            <translation>Umdrehen</translation>
        </message>
        <message>
            <source>Where the cut lies</source>
            <translation>Wo der Schnitt liegt</translation>
        </message>
    </context>
    <context>
        <name>Preferences</name>
        <message>
            <source>Apple graphics (MPS)</source>
            <translation>Apple-Grafik (MPS)</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Brightness</source>
            <translation>Helligkeit</translation>
        </message>
        <message>
            <source>CPU</source>
            <translation>CPU</translation>
        </message>
        <message>
            <source>Certificates (*.pem *.crt *.cer);;All files (*)</source>
            <translation>Zertifikate (*.pem *.crt *.cer);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Crosshair</source>
            <translation>Fadenkreuz</translation>
        </message>
        <message>
            <source>Dark</source>
            <translation>Dunkel</translation>
        </message>
        <message>
            <source>Graphics card</source>
            <translation>Grafikkarte</translation>
        </message>
        <message>
            <source>Graphics card…</source>
            <translation>Grafikkarte…</translation>
        </message>
        <message>
            <source>Light</source>
            <translation>Hell</translation>
        </message>
        <message>
            <source>Neurological</source>
            <translation>Neurologisch</translation>
        </message>
        <message>
            <source>On</source>
            <translation>An</translation>
        </message>
        <message>
            <source>Preferences</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>Radiological</source>
            <translation>Radiologisch</translation>
        </message>
        <message>
            <source>Restore defaults</source>
            <translation>Voreinstellungen wiederherstellen</translation>
        </message>
        <message>
            <source>The address has to begin with http:// or https://</source>
            <translation>Die Adresse muss mit http:// oder https:// beginnen</translation>
        </message>
        <message>
            <source>The program's own folder</source>
            <translation>Der Ordner des Programms</translation>
        </message>
        <message>
            <source>There are no certificates in PEM form in this file.</source>
            <translation>In dieser Datei sind keine Zertifikate in PEM-Form.</translation>
        </message>
        <message>
            <source>There is no such file.</source>
            <translation>Diese Datei gibt es nicht.</translation>
        </message>
        <message>
            <source>This file may not be read.</source>
            <translation>Diese Datei darf nicht gelesen werden.</translation>
        </message>
        <message>
            <source>This is not an address; it looks like https://server:port</source>
            <translation>Das ist keine Adresse; sie sieht aus wie https://server:port</translation>
        </message>
        <message>
            <source>Those of the system</source>
            <translation>Die des Systems</translation>
        </message>
        <message>
            <source>What an NVIDIA card needs is fetched and removed there</source>
            <translation>Dort wird geholt und entfernt, was eine NVIDIA-Karte braucht</translation>
        </message>
    </context>
    <context>
        <name>Preflight</name>
        <message>
            <source>bad</source>
            <translation>schlecht</translation>
        </message>
        <message>
            <source>good</source>
            <translation>gut</translation>
        </message>
        <message>
            <source>not checked yet</source>
            <translation>noch nicht geprüft</translation>
        </message>
        <message>
            <source>to be looked at</source>
            <translation>anzusehen</translation>
        </message>
    </context>
    <context>
        <name>Presets</name>
        <message>
            <source>Abdominal organs</source>
            <translation>Bauchorgane</translation>
        </message>
        <message>
            <source>All ribs</source>
            <translation>Alle Rippen</translation>
        </message>
        <message>
            <source>All vertebrae</source>
            <translation>Alle Wirbel</translation>
        </message>
        <message>
            <source>All vessels</source>
            <translation>Alle Gefäße</translation>
        </message>
        <message>
            <source>Bones for printing</source>
            <translation>Knochen zum Drucken</translation>
        </message>
        <message>
            <source>Heart and great vessels</source>
            <translation>Herz und große Gefäße</translation>
        </message>
        <message>
            <source>Kidneys and bladder</source>
            <translation>Nieren und Harnblase</translation>
        </message>
        <message>
            <source>Lungs</source>
            <translation>Lungen</translation>
        </message>
        <message>
            <source>Muscles</source>
            <translation>Muskeln</translation>
        </message>
        <message>
            <source>Pelvis and hips</source>
            <translation>Becken und Hüften</translation>
        </message>
        <message>
            <source>Ribs and sternum</source>
            <translation>Rippen und Sternum</translation>
        </message>
        <message>
            <source>Shoulder, arm and thigh bones</source>
            <translation>Schulter-, Arm- und Oberschenkelknochen</translation>
        </message>
        <message>
            <source>Spine and pelvis</source>
            <translation>Wirbelsäule und Becken</translation>
        </message>
    </context>
    <context>
        <name>PreviewView</name>
        <message>
            <source>As in the body</source>
            <translation>Wie im Körper</translation>
        </message>
        <message>
            <source>Making the parts…</source>
            <translation>Teile werden berechnet…</translation>
        </message>
        <message>
            <source>No labels are open. Structures of the next ones appear here.</source>
            <translation>Keine Segmentierung ist offen. Hier erscheinen die Strukturen der nächsten.</translation>
        </message>
        <message>
            <source>Nothing is chosen to print</source>
            <translation>Nichts ist zum Drucken gewählt</translation>
        </message>
        <message>
            <source>On the printer's bed</source>
            <translation>Auf dem Druckbett</translation>
        </message>
        <message>
            <source>Preview in 3D</source>
            <translation>Vorschau in 3D</translation>
        </message>
    </context>
    <context>
        <name>PrintFixes</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Connect</source>
            <translation>Verbinden</translation>
        </message>
        <message>
            <source>Fill</source>
            <translation>Füllen</translation>
        </message>
        <message>
            <source>Fit</source>
            <translation>Einpassen</translation>
        </message>
        <message>
            <source>Lay flat</source>
            <translation>Flach legen</translation>
        </message>
        <message>
            <source>Mend</source>
            <translation>Reparieren</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Save</source>
            <translation>Einsparen</translation>
        </message>
        <message>
            <source>Separate</source>
            <translation>Trennen</translation>
        </message>
        <message>
            <source>Smooth less</source>
            <translation>Weniger glätten</translation>
        </message>
        <message>
            <source>Thicken</source>
            <translation>Verdicken</translation>
        </message>
        <message>
            <source>Turn round</source>
            <translation>Umdrehen</translation>
        </message>
    </context>
    <context>
        <name>PrintStages</name>
        <message>
            <source>Reading them back</source>
            <translation>Dateien werden zurückgelesen</translation>
        </message>
        <message>
            <source>Writing the files</source>
            <translation>Dateien werden geschrieben</translation>
        </message>
    </context>
    <context>
        <name>PrintSteps</name>
        <message>
            <source>A foot with columns that hold the parts above it</source>
            <translation>Ein Fuß mit Säulen, die die Teile darüber halten</translation>
        </message>
        <message>
            <source>A plate under the lowest point, on which the parts stand</source>
            <translation>Eine Platte unter dem tiefsten Punkt, auf der die Teile stehen</translation>
        </message>
        <message>
            <source>A shell instead of a solid, with holes through which resin or powder leaves</source>
            <translation>Eine Hülle statt eines vollen Körpers, mit Löchern, durch die Harz oder Pulver abläuft</translation>
        </message>
        <message>
            <source>A true union: what overlaps becomes one, without walls inside</source>
            <translation>Eine echte Vereinigung: was sich überlappt, wird eins, ohne Wände im Inneren</translation>
        </message>
        <message>
            <source>All parts larger or smaller; 100 % is the size of the body</source>
            <translation>Alle Teile größer oder kleiner; 100 % ist die Größe im Körper</translation>
        </message>
        <message>
            <source>At least</source>
            <translation>Mindestens</translation>
        </message>
        <message>
            <source>Back</source>
            <translation>Rückseite</translation>
        </message>
        <message>
            <source>Base plate</source>
            <translation>Grundplatte</translation>
        </message>
        <message>
            <source>Bottom</source>
            <translation>Unterseite</translation>
        </message>
        <message>
            <source>Cavities inside a structure become solid</source>
            <translation>Hohlräume in einer Struktur werden voll</translation>
        </message>
        <message>
            <source>Cut</source>
            <translation>Zerschneiden</translation>
        </message>
        <message>
            <source>Depth</source>
            <translation>Tiefe</translation>
        </message>
        <message>
            <source>Depth of the bed</source>
            <translation>Tiefe des Druckbetts</translation>
        </message>
        <message>
            <source>Drain holes</source>
            <translation>Ablauflöcher</translation>
        </message>
        <message>
            <source>Ellipse</source>
            <translation>Ellipse</translation>
        </message>
        <message>
            <source>Every part in two, closed where it is cut; pins keep the halves in place</source>
            <translation>Jedes Teil in zwei Hälften, am Schnitt geschlossen; Zapfen halten sie an ihrem Ort</translation>
        </message>
        <message>
            <source>Every part is turned so that its largest flat side lies on the bed</source>
            <translation>Jedes Teil wird so gedreht, dass seine größte flache Seite auf dem Druckbett liegt</translation>
        </message>
        <message>
            <source>Fill holes</source>
            <translation>Hohlräume füllen</translation>
        </message>
        <message>
            <source>Fit to the bed</source>
            <translation>Ins Druckbett einpassen</translation>
        </message>
        <message>
            <source>Front</source>
            <translation>Vorderseite</translation>
        </message>
        <message>
            <source>Height</source>
            <translation>Höhe</translation>
        </message>
        <message>
            <source>Height of letters</source>
            <translation>Schrifthöhe</translation>
        </message>
        <message>
            <source>Height of the bed</source>
            <translation>Höhe des Druckraums</translation>
        </message>
        <message>
            <source>Hollow</source>
            <translation>Aushöhlen</translation>
        </message>
        <message>
            <source>Keep the largest piece</source>
            <translation>Größtes Stück behalten</translation>
        </message>
        <message>
            <source>Lay flat</source>
            <translation>Flach legen</translation>
        </message>
        <message>
            <source>Left side</source>
            <translation>Linke Seite</translation>
        </message>
        <message>
            <source>Letters engraved into a face, or raised from it</source>
            <translation>Buchstaben, in eine Seite eingraviert oder erhaben</translation>
        </message>
        <message>
            <source>Margin around</source>
            <translation>Rand ringsum</translation>
        </message>
        <message>
            <source>Merge into one solid</source>
            <translation>Vereinigen</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Of every structure, all pieces but the largest are left out</source>
            <translation>Von jeder Struktur bleibt nur das größte Stück</translation>
        </message>
        <message>
            <source>On</source>
            <translation>Auf</translation>
        </message>
        <message>
            <source>Over gaps up to</source>
            <translation>Über Lücken bis</translation>
        </message>
        <message>
            <source>Parts that are too large shrink together until they fit; others stay</source>
            <translation>Zu große Teile schrumpfen gemeinsam, bis sie passen; andere bleiben</translation>
        </message>
        <message>
            <source>Pieces smaller than this are left out</source>
            <translation>Kleinere Stücke werden weggelassen</translation>
        </message>
        <message>
            <source>Pins</source>
            <translation>Zapfen</translation>
        </message>
        <message>
            <source>Play around it</source>
            <translation>Spiel ringsum</translation>
        </message>
        <message>
            <source>Raised</source>
            <translation>Erhaben</translation>
        </message>
        <message>
            <source>Rectangle</source>
            <translation>Rechteck</translation>
        </message>
        <message>
            <source>Remove islands</source>
            <translation>Inseln entfernen</translation>
        </message>
        <message>
            <source>Right side</source>
            <translation>Rechte Seite</translation>
        </message>
        <message>
            <source>Rods between separate pieces, so that they are printed as one</source>
            <translation>Stäbe zwischen getrennten Stücken, damit sie als eines gedruckt werden</translation>
        </message>
        <message>
            <source>Save triangles</source>
            <translation>Dreiecke einsparen</translation>
        </message>
        <message>
            <source>Scale</source>
            <translation>Skalieren</translation>
        </message>
        <message>
            <source>Shape</source>
            <translation>Form</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Smaller than</source>
            <translation>Kleiner als</translation>
        </message>
        <message>
            <source>Stand</source>
            <translation>Ständer</translation>
        </message>
        <message>
            <source>Struts</source>
            <translation>Streben</translation>
        </message>
        <message>
            <source>Text</source>
            <translation>Text</translation>
        </message>
        <message>
            <source>Text label</source>
            <translation>Beschriftung</translation>
        </message>
        <message>
            <source>Thicken</source>
            <translation>Verdicken</translation>
        </message>
        <message>
            <source>Thickness</source>
            <translation>Dicke</translation>
        </message>
        <message>
            <source>Top</source>
            <translation>Oberseite</translation>
        </message>
        <message>
            <source>Wall</source>
            <translation>Wand</translation>
        </message>
        <message>
            <source>What is thinner than this becomes that thick; the rest stays as it is</source>
            <translation>Was dünner ist, wird so dick; der Rest bleibt, wie er ist</translation>
        </message>
        <message>
            <source>Width</source>
            <translation>Dicke</translation>
        </message>
        <message>
            <source>Width of a column</source>
            <translation>Dicke einer Säule</translation>
        </message>
        <message>
            <source>Width of a hole</source>
            <translation>Weite eines Lochs</translation>
        </message>
        <message>
            <source>Width of a pin</source>
            <translation>Dicke eines Zapfens</translation>
        </message>
        <message>
            <source>Width of the bed</source>
            <translation>Breite des Druckbetts</translation>
        </message>
        <message>
            <source>{count} pins</source>
            <translation>{count} Zapfen</translation>
        </message>
    </context>
    <context>
        <name>PrinterBox</name>
        <message>
            <source>Any printer</source>
            <translation>Beliebiger Drucker</translation>
        </message>
        <message>
            <source>Entered size…</source>
            <translation>Eigene Größe…</translation>
        </message>
        <message>
            <source>Printer</source>
            <translation>Drucker</translation>
        </message>
        <message>
            <source>Way of printing</source>
            <translation>Druckverfahren</translation>
        </message>
        <message>
            <source>bed {size} mm, {walls}</source>
            <translation>{size} mm, {walls}</translation>
        </message>
        <message>
            <source>printer</source>
            <translation>Drucker</translation>
        </message>
        <message>
            <source>walls from {mm} mm</source>
            <translation>Wände ab {mm} mm</translation>
        </message>
        <message>
            <source>way of printing</source>
            <translation>Druckverfahren</translation>
        </message>
    </context>
    <context>
        <name>Quality</name>
        <message>
            <source>Draft</source>
            <translation>Entwurf</translation>
        </message>
        <message>
            <source>Fast</source>
            <translation>Schnell</translation>
        </message>
        <message>
            <source>Full</source>
            <translation>Voll</translation>
        </message>
        <message>
            <source>Full resolution</source>
            <translation>Volle Auflösung</translation>
        </message>
    </context>
    <context>
        <name>QualityControl</name>
        <message>
            <source>A first look: large organs are found, small structures may be missing or coarse.</source>
            <translation>Ein erster Blick: große Organe werden gefunden, kleine Strukturen können fehlen oder grob sein.</translation>
        </message>
        <message>
            <source>About {time} here, {memory} GB of memory</source>
            <translation>Hier etwa {time}, {memory} GB Speicher</translation>
        </message>
        <message>
            <source>Good for volumes of organs and for planning; thin structures are a little coarse.</source>
            <translation>Gut für Organvolumina und zur Planung; dünne Strukturen sind etwas grob.</translation>
        </message>
        <message>
            <source>Its networks are not here yet: {size} to download.</source>
            <translation>Seine Netze sind noch nicht hier: {size} herunterzuladen.</translation>
        </message>
        <message>
            <source>Needs about {memory} GB of memory.</source>
            <translation>Braucht etwa {memory} GB Speicher.</translation>
        </message>
        <message>
            <source>Quality</source>
            <translation>Qualität</translation>
        </message>
        <message>
            <source>The finest result, as in published work.</source>
            <translation>Das feinste Ergebnis, wie in veröffentlichten Arbeiten.</translation>
        </message>
        <message>
            <source>{time} as measured here, {memory} GB of memory</source>
            <translation>{time} wie hier gemessen, {memory} GB Speicher</translation>
        </message>
    </context>
    <context>
        <name>RecentCard</name>
        <message>
            <source>Remove from the list</source>
            <translation>Aus der Liste entfernen</translation>
        </message>
        <message>
            <source>Remove from this list; the scan stays where it is</source>
            <translation>Aus dieser Liste entfernen; die Aufnahme bleibt, wo sie ist</translation>
        </message>
        <message>
            <source>This scan is no longer where it was.</source>
            <translation>Diese Aufnahme ist nicht mehr, wo sie war.</translation>
        </message>
        <message>
            <source>no longer there</source>
            <translation>nicht mehr da</translation>
        </message>
        <message>
            <source>today {clock}</source>
            <translation>heute {clock}</translation>
        </message>
        <message>
            <source>yesterday {clock}</source>
            <translation>gestern {clock}</translation>
        </message>
    </context>
    <context>
        <name>RecipePanel</name>
        <message>
            <source>All that is chosen on this side, as a file</source>
            <translation>Alles, was auf dieser Seite gewählt ist, als Datei</translation>
        </message>
        <message>
            <source>Load recipe…</source>
            <translation>Rezept laden…</translation>
        </message>
        <message>
            <source>Printer</source>
            <translation>Drucker</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Repeats what was done on another scan; structures are found by their names</source>
            <translation>Wiederholt, was mit einer anderen Aufnahme getan wurde; Strukturen werden nach Namen gefunden</translation>
        </message>
        <message>
            <source>Save recipe…</source>
            <translation>Rezept speichern…</translation>
        </message>
        <message>
            <source>Steps</source>
            <translation>Schritte</translation>
        </message>
        <message>
            <source>Structures</source>
            <translation>Strukturen</translation>
        </message>
        <message>
            <source>Surface</source>
            <translation>Oberfläche</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
    </context>
    <context>
        <name>ReleasesFlow</name>
        <message>
            <source>Asking the release page…</source>
            <translation>Die Seite der Versionen wird gefragt…</translation>
        </message>
        <message>
            <source>No version has been released yet.</source>
            <translation>Noch ist keine Version erschienen.</translation>
        </message>
        <message>
            <source>Open its page</source>
            <translation>Seite öffnen</translation>
        </message>
        <message>
            <source>This is the newest version, {own}.</source>
            <translation>Das ist die neueste Version, {own}.</translation>
        </message>
        <message>
            <source>Version {new} is there; this is {own}.</source>
            <translation>Version {new} ist da; dies ist {own}.</translation>
        </message>
    </context>
    <context>
        <name>RightPanel</name>
        <message>
            <source>No structure was found in this scan</source>
            <translation>In dieser Aufnahme wurde keine Struktur gefunden</translation>
        </message>
        <message>
            <source>Nothing here is called “{query}”</source>
            <translation>Nichts hier heißt „{query}“</translation>
        </message>
        <message>
            <source>Structures appear here after a run</source>
            <translation>Nach einer Berechnung erscheinen hier Strukturen</translation>
        </message>
    </context>
    <context>
        <name>Run</name>
        <message>
            <source>A first draft</source>
            <translation>Ein erster Entwurf</translation>
        </message>
        <message>
            <source>Bringing the result back</source>
            <translation>Ergebnis wird zurückgerechnet</translation>
        </message>
        <message>
            <source>Finding the region</source>
            <translation>Bereich wird gesucht</translation>
        </message>
        <message>
            <source>Preparing the scan</source>
            <translation>Aufnahme wird vorbereitet</translation>
        </message>
        <message>
            <source>Starting</source>
            <translation>Wird gestartet</translation>
        </message>
        <message>
            <source>Trying the network on this computer</source>
            <translation>Das Netz wird auf diesem Computer erprobt</translation>
        </message>
        <message>
            <source>network {part} of {parts}</source>
            <translation>Netz {part} von {parts}</translation>
        </message>
        <message>
            <source>window {tile} of {tiles}</source>
            <translation>Kachel {tile} von {tiles}</translation>
        </message>
        <message>
            <source>{time} left</source>
            <translation>noch {time}</translation>
        </message>
    </context>
    <context>
        <name>RunFlow</name>
        <message>
            <source>A draft is shown; it is refined in place.</source>
            <translation>Ein Entwurf wird gezeigt; er wird an Ort und Stelle verfeinert.</translation>
        </message>
        <message>
            <source>Found {structures} in {time}</source>
            <translation>{structures} gefunden in {time}</translation>
        </message>
        <message>
            <source>Nothing was found: this scan may not show what the task looks for.</source>
            <translation>Nichts gefunden: vielleicht zeigt diese Aufnahme nicht, was die Aufgabe sucht.</translation>
        </message>
    </context>
    <context>
        <name>RunPanel</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Compute the labels of this scan</source>
            <translation>Die Strukturen dieser Aufnahme berechnen</translation>
        </message>
        <message>
            <source>Dismiss</source>
            <translation>Ausblenden</translation>
        </message>
        <message>
            <source>Is it CT or MR? Choose a task that fits.</source>
            <translation>CT oder MR? Wählen Sie eine Aufgabe, die passt.</translation>
        </message>
        <message>
            <source>Open a scan first</source>
            <translation>Öffnen Sie zuerst eine Aufnahme</translation>
        </message>
        <message>
            <source>Progress of the run</source>
            <translation>Fortschritt der Berechnung</translation>
        </message>
        <message>
            <source>Segment</source>
            <translation>Segmentieren</translation>
        </message>
        <message>
            <source>Stopping</source>
            <translation>Wird angehalten</translation>
        </message>
        <message>
            <source>The run starts when all is here.</source>
            <translation>Die Berechnung beginnt, wenn alles hier ist.</translation>
        </message>
    </context>
    <context>
        <name>ScanInformation</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Copied</source>
            <translation>Kopiert</translation>
        </message>
        <message>
            <source>Copies all of this but the file's name</source>
            <translation>Kopiert all das außer dem Dateinamen</translation>
        </message>
        <message>
            <source>Copy</source>
            <translation>Kopieren</translation>
        </message>
        <message>
            <source>Extent</source>
            <translation>Ausdehnung</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Datei</translation>
        </message>
        <message>
            <source>Files</source>
            <translation>Dateien</translation>
        </message>
        <message>
            <source>Format</source>
            <translation>Format</translation>
        </message>
        <message>
            <source>Grid</source>
            <translation>Gitter</translation>
        </message>
        <message>
            <source>Intensities</source>
            <translation>Intensitäten</translation>
        </message>
        <message>
            <source>Kept as</source>
            <translation>Gespeichert als</translation>
        </message>
        <message>
            <source>Modality</source>
            <translation>Modalität</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Nothing unusual.</source>
            <translation>Nichts Ungewöhnliches.</translation>
        </message>
        <message>
            <source>Noticed</source>
            <translation>Aufgefallen</translation>
        </message>
        <message>
            <source>Orientation</source>
            <translation>Orientierung</translation>
        </message>
        <message>
            <source>Series</source>
            <translation>Serie</translation>
        </message>
        <message>
            <source>Spacing</source>
            <translation>Abstand</translation>
        </message>
        <message>
            <source>The patient's name and id, and all dates, are not shown and not kept.</source>
            <translation>Name und Kennung des Patienten und alle Daten wie Geburts- und Untersuchungsdatum werden nicht gezeigt und nicht behalten.</translation>
        </message>
        <message>
            <source>Values</source>
            <translation>Werte</translation>
        </message>
        <message>
            <source>Voxel to RAS (mm)</source>
            <translation>Voxel nach RAS (mm)</translation>
        </message>
        <message>
            <source>Voxels</source>
            <translation>Voxel</translation>
        </message>
        <message>
            <source>What's this file?</source>
            <translation>Was ist das für eine Datei?</translation>
        </message>
        <message>
            <source>Window</source>
            <translation>Fenster</translation>
        </message>
        <message>
            <source>array in memory</source>
            <translation>Array im Speicher</translation>
        </message>
        <message>
            <source>counting…</source>
            <translation>wird gezählt…</translation>
        </message>
        <message>
            <source>unknown</source>
            <translation>unbekannt</translation>
        </message>
        <message>
            <source>{lowest} to {highest}{unit}, mean {mean}{unit}</source>
            <translation>{lowest} bis {highest}{unit}, Mittel {mean}{unit}</translation>
        </message>
    </context>
    <context>
        <name>SceneView</name>
        <message>
            <source>3D</source>
            <translation>3D</translation>
        </message>
        <message>
            <source>3D is drawn by the processor</source>
            <translation>3D zeichnet der Prozessor</translation>
        </message>
        <message>
            <source>3D view</source>
            <translation>3D-Ansicht</translation>
        </message>
        <message>
            <source>3D · {0} of {1}</source>
            <translation>3D · {0} von {1}</translation>
        </message>
        <message>
            <source>All structures are hidden</source>
            <translation>Alle Strukturen sind ausgeblendet</translation>
        </message>
        <message>
            <source>No structures were found</source>
            <translation>Keine Strukturen gefunden</translation>
        </message>
        <message>
            <source>Some surfaces could not be made</source>
            <translation>Einige Oberflächen ließen sich nicht berechnen</translation>
        </message>
        <message>
            <source>Structures appear here</source>
            <translation>Hier erscheinen Strukturen</translation>
        </message>
    </context>
    <context>
        <name>SelfTest</name>
        <message>
            <source>A window that nobody sees, with 3D</source>
            <translation>Unsichtbares Fenster mit 3D</translation>
        </message>
        <message>
            <source>Check this installation</source>
            <translation>Installation prüfen</translation>
        </message>
        <message>
            <source>Checking…</source>
            <translation>Wird geprüft…</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Devices that networks can run on</source>
            <translation>Geräte, auf denen Netze rechnen</translation>
        </message>
        <message>
            <source>Everything is here and works.</source>
            <translation>Alles ist da und geht.</translation>
        </message>
        <message>
            <source>Export of a surface, read back</source>
            <translation>Export einer Oberfläche, zurückgelesen</translation>
        </message>
        <message>
            <source>Files of the program</source>
            <translation>Dateien des Programms</translation>
        </message>
        <message>
            <source>Libraries for networks</source>
            <translation>Bibliotheken für Netze</translation>
        </message>
        <message>
            <source>Libraries of the program</source>
            <translation>Bibliotheken des Programms</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>Save report</source>
            <translation>Bericht speichern</translation>
        </message>
        <message>
            <source>Save report…</source>
            <translation>Bericht speichern…</translation>
        </message>
        <message>
            <source>Segmentation of the sample</source>
            <translation>Segmentierung des Beispiels</translation>
        </message>
        <message>
            <source>Something is missing or does not work.</source>
            <translation>Etwas fehlt oder geht nicht.</translation>
        </message>
        <message>
            <source>Takes about half a minute. Nothing is sent, and nothing stays behind.</source>
            <translation>Dauert etwa eine halbe Minute. Nichts wird gesendet, und nichts bleibt zurück.</translation>
        </message>
        <message>
            <source>The check could not be made: {reason}</source>
            <translation>Die Prüfung war nicht möglich: {reason}</translation>
        </message>
        <message>
            <source>The report names no person, folder or computer.</source>
            <translation>Der Bericht nennt keine Person, keinen Ordner und keinen Computer.</translation>
        </message>
        <message>
            <source>being checked</source>
            <translation>wird geprüft</translation>
        </message>
        <message>
            <source>fails</source>
            <translation>geht nicht</translation>
        </message>
        <message>
            <source>liver, {volume}</source>
            <translation>Leber, {volume}</translation>
        </message>
        <message>
            <source>not tried</source>
            <translation>nicht versucht</translation>
        </message>
        <message>
            <source>not tried: what it needs has failed</source>
            <translation>nicht versucht: es fehlt, was dazu nötig ist</translation>
        </message>
        <message>
            <source>waiting</source>
            <translation>wartet</translation>
        </message>
        <message>
            <source>works</source>
            <translation>geht</translation>
        </message>
        <message>
            <source>{count} files</source>
            <translation>{count} Dateien</translation>
        </message>
        <message>
            <source>{count} libraries</source>
            <translation>{count} Bibliotheken</translation>
        </message>
        <message>
            <source>{count} structures</source>
            <translation>{count} Strukturen</translation>
        </message>
        <message>
            <source>{name} could not be written: {reason}.</source>
            <translation>{name} konnte nicht geschrieben werden: {reason}.</translation>
        </message>
        <message>
            <source>{name} was written.</source>
            <translation>{name} wurde geschrieben.</translation>
        </message>
    </context>
    <context>
        <name>SeriesPicker</name>
        <message>
            <source>1 slice</source>
            <translation>1 Schicht</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Choose a series</source>
            <translation>Serie wählen</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Öffnen</translation>
        </message>
        <message>
            <source>Series</source>
            <translation>Serien</translation>
        </message>
        <message>
            <source>Series {number}</source>
            <translation>Serie {number}</translation>
        </message>
        <message>
            <source>Suits best</source>
            <translation>Passt am besten</translation>
        </message>
        <message>
            <source>{count} series were found.</source>
            <translation>{count} Serien wurden gefunden.</translation>
        </message>
        <message>
            <source>{n} slices</source>
            <translation>{n} Schichten</translation>
        </message>
        <message>
            <source>{n} volumes</source>
            <translation>{n} Volumen</translation>
        </message>
    </context>
    <context>
        <name>ShareDialog</name>
        <message>
            <source>A random name</source>
            <translation>Ein zufälliger Name</translation>
        </message>
        <message>
            <source>All by the same random number of days</source>
            <translation>Alle um dieselbe zufällige Zahl von Tagen</translation>
        </message>
        <message>
            <source>Blur</source>
            <translation>Verwischen</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Dates</source>
            <translation>Datumsangaben</translation>
        </message>
        <message>
            <source>File format</source>
            <translation>Dateiformat</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>Folder for the files</source>
            <translation>Ordner für die Dateien</translation>
        </message>
        <message>
            <source>For scans that were opened from DICOM files</source>
            <translation>Für Aufnahmen, die aus DICOM-Dateien geöffnet wurden</translation>
        </message>
        <message>
            <source>Keep</source>
            <translation>Behalten</translation>
        </message>
        <message>
            <source>Looking for the face</source>
            <translation>Gesicht wird gesucht</translation>
        </message>
        <message>
            <source>Open folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Open report</source>
            <translation>Bericht öffnen</translation>
        </message>
        <message>
            <source>Overwrite what is there</source>
            <translation>Vorhandene überschreiben</translation>
        </message>
        <message>
            <source>Patient becomes</source>
            <translation>Patient wird zu</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Share</source>
            <translation>Weitergeben</translation>
        </message>
        <message>
            <source>Share scan without face</source>
            <translation>Aufnahme ohne Gesicht weitergeben</translation>
        </message>
        <message>
            <source>Shift</source>
            <translation>Verschieben</translation>
        </message>
        <message>
            <source>Show report</source>
            <translation>Bericht zeigen</translation>
        </message>
        <message>
            <source>Stopped. Nothing was written.</source>
            <translation>Angehalten. Nichts wurde geschrieben.</translation>
        </message>
        <message>
            <source>Stopping…</source>
            <translation>Wird angehalten…</translation>
        </message>
        <message>
            <source>Take out</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>The face</source>
            <translation>Gesicht</translation>
        </message>
        <message>
            <source>The scan and its report were written.</source>
            <translation>Die Aufnahme und ihr Bericht wurden geschrieben.</translation>
        </message>
        <message>
            <source>This is no guarantee that nobody can be recognised. Look at the result before you share it.</source>
            <translation>Das ist keine Gewähr, dass niemand erkannt werden kann. Sehen Sie das Ergebnis an, bevor Sie es weitergeben.</translation>
        </message>
        <message>
            <source>What the patient is called</source>
            <translation>Wie der Patient heißt</translation>
        </message>
        <message>
            <source>Writing the scan</source>
            <translation>Aufnahme wird geschrieben</translation>
        </message>
    </context>
    <context>
        <name>SharePictures</name>
        <message>
            <source>As it will be shared</source>
            <translation>So wird sie weitergegeben</translation>
        </message>
        <message>
            <source>Now; what goes is red</source>
            <translation>Jetzt; was wegfällt, ist rot</translation>
        </message>
    </context>
    <context>
        <name>SharingFlow</name>
        <message>
            <source>The scan was shared; its report lies beside it.</source>
            <translation>Die Aufnahme ohne Gesicht ist geschrieben; der Bericht liegt daneben.</translation>
        </message>
    </context>
    <context>
        <name>Shortcuts</name>
        <message>
            <source>Brightness and contrast</source>
            <translation>Helligkeit und Kontrast</translation>
        </message>
        <message>
            <source>Brightness from a region</source>
            <translation>Helligkeit nach einem Bereich</translation>
        </message>
        <message>
            <source>Click</source>
            <translation>Klick</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Crosshair follows the mouse</source>
            <translation>Fadenkreuz folgt der Maus</translation>
        </message>
        <message>
            <source>Ctrl+double click</source>
            <translation>Strg+Doppelklick</translation>
        </message>
        <message>
            <source>Ctrl+left drag</source>
            <translation>Strg+links ziehen</translation>
        </message>
        <message>
            <source>Ctrl+wheel</source>
            <translation>Strg+Mausrad</translation>
        </message>
        <message>
            <source>Double click</source>
            <translation>Doppelklick</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>Tasten</translation>
        </message>
        <message>
            <source>Keys and mouse</source>
            <translation>Tasten und Maus</translation>
        </message>
        <message>
            <source>Left drag</source>
            <translation>Links ziehen</translation>
        </message>
        <message>
            <source>Look from front, behind, left, right, above, below</source>
            <translation>Blick von vorn, hinten, links, rechts, oben, unten</translation>
        </message>
        <message>
            <source>Middle drag, or Shift+left drag</source>
            <translation>Mitte ziehen, oder Umschalt+links ziehen</translation>
        </message>
        <message>
            <source>Mouse in 3D</source>
            <translation>Maus in 3D</translation>
        </message>
        <message>
            <source>Mouse in slices</source>
            <translation>Maus in Schichten</translation>
        </message>
        <message>
            <source>Move</source>
            <translation>Verschieben</translation>
        </message>
        <message>
            <source>Move the crosshair</source>
            <translation>Fadenkreuz bewegen</translation>
        </message>
        <message>
            <source>Move the picture</source>
            <translation>Bild verschieben</translation>
        </message>
        <message>
            <source>One view large, or back</source>
            <translation>Eine Ansicht groß, oder zurück</translation>
        </message>
        <message>
            <source>Previous or next slice</source>
            <translation>Vorige oder nächste Schicht</translation>
        </message>
        <message>
            <source>Right click</source>
            <translation>Rechtsklick</translation>
        </message>
        <message>
            <source>Right drag</source>
            <translation>Rechts ziehen</translation>
        </message>
        <message>
            <source>Select the structure</source>
            <translation>Struktur auswählen</translation>
        </message>
        <message>
            <source>Shift+move</source>
            <translation>Umschalt+bewegen</translation>
        </message>
        <message>
            <source>Turn</source>
            <translation>Drehen</translation>
        </message>
        <message>
            <source>Usual brightness</source>
            <translation>Übliche Helligkeit</translation>
        </message>
        <message>
            <source>What can be done with a structure</source>
            <translation>Was sich mit einer Struktur tun lässt</translation>
        </message>
        <message>
            <source>Wheel</source>
            <translation>Mausrad</translation>
        </message>
        <message>
            <source>Wheel, or right drag</source>
            <translation>Mausrad, oder rechts ziehen</translation>
        </message>
        <message>
            <source>Zoom</source>
            <translation>Vergrößern</translation>
        </message>
    </context>
    <context>
        <name>ShowActions</name>
        <message>
            <source>As the file says</source>
            <translation>Wie in der Datei</translation>
        </message>
        <message>
            <source>Crosshair</source>
            <translation>Fadenkreuz</translation>
        </message>
        <message>
            <source>Filled</source>
            <translation>Gefüllt</translation>
        </message>
        <message>
            <source>From the darkest to the brightest values of the scan</source>
            <translation>Von den dunkelsten zu den hellsten Werten der Aufnahme</translation>
        </message>
        <message>
            <source>From the values</source>
            <translation>Nach den Werten</translation>
        </message>
        <message>
            <source>Neurological view</source>
            <translation>Neurologische Ansicht</translation>
        </message>
        <message>
            <source>Outlines</source>
            <translation>Konturen</translation>
        </message>
        <message>
            <source>Show labels</source>
            <translation>Strukturen zeigen</translation>
        </message>
        <message>
            <source>Smooth slices</source>
            <translation>Schichten glätten</translation>
        </message>
        <message>
            <source>The brightness stored with the scan, else its usual one</source>
            <translation>Die Helligkeit, die mit der Aufnahme gespeichert ist, sonst die übliche</translation>
        </message>
        <message>
            <source>The patient's right on the right of the picture</source>
            <translation>Rechts des Patienten ist rechts im Bild</translation>
        </message>
        <message>
            <source>{percent} % filled</source>
            <translation>{percent} % gefüllt</translation>
        </message>
    </context>
    <context>
        <name>SliceCanvas</name>
        <message>
            <source>Axial</source>
            <translation>Axial</translation>
        </message>
        <message>
            <source>Coronal</source>
            <translation>Koronal</translation>
        </message>
        <message>
            <source>Sagittal</source>
            <translation>Sagittal</translation>
        </message>
        <message>
            <source>{plane} slice</source>
            <translation>Schicht: {plane}</translation>
        </message>
    </context>
    <context>
        <name>StatusLine</name>
        <message>
            <source>Neurological: patient's right on the right</source>
            <translation>Neurologisch: rechte Seite rechts im Bild</translation>
        </message>
        <message>
            <source>Radiological: patient's right on the left</source>
            <translation>Radiologisch: rechte Seite links im Bild</translation>
        </message>
        <message>
            <source>not a medical device</source>
            <translation>kein Medizinprodukt</translation>
        </message>
        <message>
            <source>voxel {i}, {j}, {k}</source>
            <translation>Voxel {i}, {j}, {k}</translation>
        </message>
    </context>
    <context>
        <name>StepCard</name>
        <message>
            <source>Do this step earlier</source>
            <translation>Diesen Schritt früher tun</translation>
        </message>
        <message>
            <source>Do this step later</source>
            <translation>Diesen Schritt später tun</translation>
        </message>
        <message>
            <source>Remove: {title}</source>
            <translation>Entfernen: {title}</translation>
        </message>
        <message>
            <source>Show the print up to this step</source>
            <translation>Den Druck bis zu diesem Schritt zeigen</translation>
        </message>
        <message>
            <source>Step {number}: {title}</source>
            <translation>Schritt {number}: {title}</translation>
        </message>
    </context>
    <context>
        <name>StepsPanel</name>
        <message>
            <source>Add step</source>
            <translation>Schritt hinzufügen</translation>
        </message>
        <message>
            <source>Structures are printed as they are, each a part of its own.</source>
            <translation>Strukturen werden gedruckt, wie sie sind, jede als eigenes Teil.</translation>
        </message>
        <message>
            <source>Text</source>
            <translation>Text</translation>
        </message>
        <message>
            <source>What is done with the structures, one after the other</source>
            <translation>Was mit den Strukturen getan wird, eins nach dem anderen</translation>
        </message>
        <message>
            <source>add: {step}</source>
            <translation>hinzufügen: {step}</translation>
        </message>
        <message>
            <source>order of steps</source>
            <translation>Folge der Schritte</translation>
        </message>
        <message>
            <source>remove: {step}</source>
            <translation>entfernen: {step}</translation>
        </message>
    </context>
    <context>
        <name>StructureBox</name>
        <message>
            <source>All</source>
            <translation>Alle</translation>
        </message>
        <message>
            <source>All structures are computed.</source>
            <translation>Alle Strukturen werden berechnet.</translation>
        </message>
        <message>
            <source>Choose structures</source>
            <translation>Strukturen wählen</translation>
        </message>
        <message>
            <source>Compute every structure</source>
            <translation>Jede Struktur berechnen</translation>
        </message>
        <message>
            <source>Done</source>
            <translation>Fertig</translation>
        </message>
        <message>
            <source>Find a structure</source>
            <translation>Struktur suchen</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>Nothing is ticked: all structures are computed.</source>
            <translation>Nichts ist angehakt: alle Strukturen werden berechnet.</translation>
        </message>
        <message>
            <source>Presets</source>
            <translation>Vorlagen</translation>
        </message>
        <message>
            <source>Untick everything</source>
            <translation>Alle Haken entfernen</translation>
        </message>
        <message>
            <source>{chosen} of {count} structures are computed.</source>
            <translation>{chosen} von {count} Strukturen werden berechnet.</translation>
        </message>
    </context>
    <context>
        <name>StructureDelegate</name>
        <message>
            <source>Change the colour</source>
            <translation>Farbe ändern</translation>
        </message>
        <message>
            <source>Click to close or open</source>
            <translation>Klicken zum Schließen oder Öffnen</translation>
        </message>
        <message>
            <source>Hide (Space)</source>
            <translation>Ausblenden (Leertaste)</translation>
        </message>
        <message>
            <source>Show (Space)</source>
            <translation>Einblenden (Leertaste)</translation>
        </message>
        <message>
            <source>Show or hide all of these (Space)</source>
            <translation>Alle diese ein- oder ausblenden (Leertaste)</translation>
        </message>
        <message>
            <source>Touches the border of the scan: a part of it may be missing</source>
            <translation>Berührt den Rand der Aufnahme: ein Teil kann fehlen</translation>
        </message>
        <message>
            <source>{key}click: show only these; again: as before</source>
            <translation>{key}Klick: nur diese zeigen; noch einmal: wie zuvor</translation>
        </message>
        <message>
            <source>{key}click: show only this; again: as before</source>
            <translation>{key}Klick: nur diese zeigen; noch einmal: wie zuvor</translation>
        </message>
    </context>
    <context>
        <name>StructureDetails</name>
        <message>
            <source>Export surface…</source>
            <translation>Oberfläche exportieren…</translation>
        </message>
        <message>
            <source>Go there</source>
            <translation>Dorthin</translation>
        </message>
        <message>
            <source>Half of the values inside are lower</source>
            <translation>Die Hälfte der Werte darin ist kleiner</translation>
        </message>
        <message>
            <source>Its box: from right to left, front to back, foot to head</source>
            <translation>Ihr Quader: von rechts nach links, vorn nach hinten, Fuß nach Kopf</translation>
        </message>
        <message>
            <source>Its code in SNOMED CT, as DICOM files name it</source>
            <translation>Ihr Code in SNOMED CT, wie DICOM-Dateien sie benennen</translation>
        </message>
        <message>
            <source>Its name in Terminologia Anatomica, second edition</source>
            <translation>Ihr Name in der Terminologia Anatomica, zweite Auflage</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>Mittelwert</translation>
        </message>
        <message>
            <source>Mean and standard deviation of the scan's values inside</source>
            <translation>Mittelwert und Standardabweichung der Werte der Aufnahme darin</translation>
        </message>
        <message>
            <source>Median</source>
            <translation>Median</translation>
        </message>
        <message>
            <source>Move the crosshair to its centre (Return in the list)</source>
            <translation>Fadenkreuz in ihre Mitte setzen (Eingabetaste in der Liste)</translation>
        </message>
        <message>
            <source>Print: as a part for a printer, checked first</source>
            <translation>Drucken: als Teil für einen Drucker, zuvor geprüft</translation>
        </message>
        <message>
            <source>Print…</source>
            <translation>Drucken…</translation>
        </message>
        <message>
            <source>Range</source>
            <translation>Bereich</translation>
        </message>
        <message>
            <source>SNOMED CT</source>
            <translation>SNOMED CT</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>TA2</source>
            <translation>TA2</translation>
        </message>
        <message>
            <source>The lowest and the highest value inside</source>
            <translation>Der kleinste und der größte Wert darin</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
        <message>
            <source>What its voxels take up in the scan</source>
            <translation>Was ihre Voxel in der Aufnahme einnehmen</translation>
        </message>
        <message>
            <source>Write its surface as a file, for printing or other programs</source>
            <translation>Ihre Oberfläche als Datei schreiben, zum Drucken oder für andere Programme</translation>
        </message>
        <message>
            <source>left</source>
            <translation>links</translation>
        </message>
        <message>
            <source>right</source>
            <translation>rechts</translation>
        </message>
        <message>
            <source>touches the border</source>
            <translation>berührt den Rand</translation>
        </message>
        <message>
            <source>whole in view</source>
            <translation>ganz im Bild</translation>
        </message>
        <message>
            <source>{count} at the border</source>
            <translation>{count} am Rand</translation>
        </message>
        <message>
            <source>{low} to {high}</source>
            <translation>{low} bis {high}</translation>
        </message>
    </context>
    <context>
        <name>StructureList</name>
        <message>
            <source>Space shows or hides, Return goes there, letters find a name, the menu key offers more</source>
            <translation>Leertaste blendet ein oder aus, Eingabe geht dorthin, Buchstaben finden einen Namen, die Menütaste bietet mehr</translation>
        </message>
        <message>
            <source>Structures that were found</source>
            <translation>Gefundene Strukturen</translation>
        </message>
    </context>
    <context>
        <name>StructureLooks</name>
        <message>
            <source>colour of {name}</source>
            <translation>Farbe von {name}</translation>
        </message>
        <message>
            <source>hide all structures</source>
            <translation>alle Strukturen ausblenden</translation>
        </message>
        <message>
            <source>hide {name}</source>
            <translation>{name} ausblenden</translation>
        </message>
        <message>
            <source>opacity of {name}</source>
            <translation>Deckkraft von {name}</translation>
        </message>
        <message>
            <source>show all structures</source>
            <translation>alle Strukturen einblenden</translation>
        </message>
        <message>
            <source>show only {name}</source>
            <translation>nur {name} zeigen</translation>
        </message>
        <message>
            <source>show others beside {name}</source>
            <translation>andere neben {name} zeigen</translation>
        </message>
        <message>
            <source>show {name}</source>
            <translation>{name} einblenden</translation>
        </message>
    </context>
    <context>
        <name>StructureMenu</name>
        <message>
            <source>Colour…</source>
            <translation>Farbe…</translation>
        </message>
        <message>
            <source>Copy numbers</source>
            <translation>Messwerte kopieren</translation>
        </message>
        <message>
            <source>Export {name}…</source>
            <translation>{name} exportieren…</translation>
        </message>
        <message>
            <source>Go there</source>
            <translation>Dorthin</translation>
        </message>
        <message>
            <source>Hide {name}</source>
            <translation>{name} ausblenden</translation>
        </message>
        <message>
            <source>Opacity in 3D</source>
            <translation>Deckkraft in 3D</translation>
        </message>
        <message>
            <source>Print {name}…</source>
            <translation>{name} drucken…</translation>
        </message>
        <message>
            <source>Show all</source>
            <translation>Alle einblenden</translation>
        </message>
        <message>
            <source>Show only these</source>
            <translation>Nur diese zeigen</translation>
        </message>
        <message>
            <source>Show only this</source>
            <translation>Nur diese zeigen</translation>
        </message>
        <message>
            <source>Show others as before</source>
            <translation>Andere wie zuvor zeigen</translation>
        </message>
        <message>
            <source>Show {name}</source>
            <translation>{name} einblenden</translation>
        </message>
        <message>
            <source>{percent} %</source>
            <translation>{percent} %</translation>
        </message>
    </context>
    <context>
        <name>StructureModel</name>
        <message>
            <source>hidden</source>
            <translation>ausgeblendet</translation>
        </message>
        <message>
            <source>partly hidden</source>
            <translation>teilweise ausgeblendet</translation>
        </message>
        <message>
            <source>touches the border</source>
            <translation>berührt den Rand</translation>
        </message>
        <message>
            <source>visible</source>
            <translation>sichtbar</translation>
        </message>
        <message>
            <source>volume not known yet</source>
            <translation>Volumen noch nicht bekannt</translation>
        </message>
    </context>
    <context>
        <name>StructurePicker</name>
        <message>
            <source>About {time} instead of {before}.</source>
            <translation>Etwa {time} statt {before}.</translation>
        </message>
        <message>
            <source>All {count} structures</source>
            <translation>Alle {count} Strukturen</translation>
        </message>
        <message>
            <source>All {count} · choose…</source>
            <translation>Alle {count} · wählen…</translation>
        </message>
        <message>
            <source>Compute only some structures: it is quicker, as other networks need not run</source>
            <translation>Nur einige Strukturen berechnen: das geht schneller, weil andere Netze nicht rechnen müssen</translation>
        </message>
        <message>
            <source>Structures</source>
            <translation>Strukturen</translation>
        </message>
        <message>
            <source>Structures often wanted together</source>
            <translation>Strukturen, die oft zusammen gebraucht werden</translation>
        </message>
        <message>
            <source>Structures: {text}</source>
            <translation>Strukturen: {text}</translation>
        </message>
        <message>
            <source>presets</source>
            <translation>Vorlagen</translation>
        </message>
        <message>
            <source>{chosen} of {count} · choose…</source>
            <translation>{chosen} von {count} · wählen…</translation>
        </message>
        <message>
            <source>{run} of {all} networks run, about {time} instead of {before}.</source>
            <translation>{run} von {all} Netzen rechnen, etwa {time} statt {before}.</translation>
        </message>
        <message>
            <source>{run} of {all} networks run.</source>
            <translation>{run} von {all} Netzen rechnen.</translation>
        </message>
    </context>
    <context>
        <name>StructureTree</name>
        <message>
            <source>Structures by body system</source>
            <translation>Strukturen nach Körpersystem</translation>
        </message>
        <message>
            <source>{shown} of {count}</source>
            <translation>{shown} von {count}</translation>
        </message>
    </context>
    <context>
        <name>Structures</name>
        <message>
            <source>abdominal cavity</source>
            <translation>Bauchhöhle</translation>
        </message>
        <message>
            <source>adrenal gland left</source>
            <translation>Nebenniere links</translation>
        </message>
        <message>
            <source>adrenal gland right</source>
            <translation>Nebenniere rechts</translation>
        </message>
        <message>
            <source>air inside</source>
            <translation>Luft im Körper</translation>
        </message>
        <message>
            <source>airways</source>
            <translation>Atemwege</translation>
        </message>
        <message>
            <source>annulus</source>
            <translation>Annulus (Aorta)</translation>
        </message>
        <message>
            <source>annulus proper</source>
            <translation>Aortenannulus</translation>
        </message>
        <message>
            <source>anterior scalene left</source>
            <translation>M. scalenus anterior links</translation>
        </message>
        <message>
            <source>anterior scalene right</source>
            <translation>M. scalenus anterior rechts</translation>
        </message>
        <message>
            <source>aorta</source>
            <translation>Aorta</translation>
        </message>
        <message>
            <source>aorta false lumen</source>
            <translation>falsches Lumen der Aorta</translation>
        </message>
        <message>
            <source>aorta true lumen</source>
            <translation>wahres Lumen der Aorta</translation>
        </message>
        <message>
            <source>atrial appendage left</source>
            <translation>Herzohr links</translation>
        </message>
        <message>
            <source>auditory canal left</source>
            <translation>Gehörgang links</translation>
        </message>
        <message>
            <source>auditory canal right</source>
            <translation>Gehörgang rechts</translation>
        </message>
        <message>
            <source>autochthon left</source>
            <translation>Rückenstrecker links</translation>
        </message>
        <message>
            <source>autochthon right</source>
            <translation>Rückenstrecker rechts</translation>
        </message>
        <message>
            <source>body extremities</source>
            <translation>Extremitäten</translation>
        </message>
        <message>
            <source>body surface</source>
            <translation>Körperoberfläche</translation>
        </message>
        <message>
            <source>body trunc</source>
            <translation>Rumpf</translation>
        </message>
        <message>
            <source>bone</source>
            <translation>Knochen</translation>
        </message>
        <message>
            <source>brachiocephalic trunk</source>
            <translation>Truncus brachiocephalicus</translation>
        </message>
        <message>
            <source>brachiocephalic vein left</source>
            <translation>V. brachiocephalica links</translation>
        </message>
        <message>
            <source>brachiocephalic vein right</source>
            <translation>V. brachiocephalica rechts</translation>
        </message>
        <message>
            <source>brain</source>
            <translation>Gehirn</translation>
        </message>
        <message>
            <source>brain aneurysm</source>
            <translation>Hirnaneurysma</translation>
        </message>
        <message>
            <source>brainstem</source>
            <translation>Hirnstamm</translation>
        </message>
        <message>
            <source>breast</source>
            <translation>Brust</translation>
        </message>
        <message>
            <source>bridge</source>
            <translation>Brücke</translation>
        </message>
        <message>
            <source>carpal</source>
            <translation>Handwurzelknochen</translation>
        </message>
        <message>
            <source>caudate nucleus</source>
            <translation>Nucleus caudatus</translation>
        </message>
        <message>
            <source>celiac trunk</source>
            <translation>Truncus coeliacus</translation>
        </message>
        <message>
            <source>central sulcus</source>
            <translation>Sulcus centralis</translation>
        </message>
        <message>
            <source>cerebellum</source>
            <translation>Kleinhirn</translation>
        </message>
        <message>
            <source>clavicula left</source>
            <translation>Klavikula links</translation>
        </message>
        <message>
            <source>clavicula right</source>
            <translation>Klavikula rechts</translation>
        </message>
        <message>
            <source>colon</source>
            <translation>Kolon</translation>
        </message>
        <message>
            <source>common carotid artery left</source>
            <translation>A. carotis communis links</translation>
        </message>
        <message>
            <source>common carotid artery right</source>
            <translation>A. carotis communis rechts</translation>
        </message>
        <message>
            <source>coracobrachial</source>
            <translation>M. coracobrachialis</translation>
        </message>
        <message>
            <source>coronary arteries</source>
            <translation>Koronararterien</translation>
        </message>
        <message>
            <source>costal cartilages</source>
            <translation>Rippenknorpel</translation>
        </message>
        <message>
            <source>cricoid cartilage</source>
            <translation>Ringknorpel</translation>
        </message>
        <message>
            <source>crown</source>
            <translation>Krone</translation>
        </message>
        <message>
            <source>deltoid</source>
            <translation>M. deltoideus</translation>
        </message>
        <message>
            <source>digastric left</source>
            <translation>M. digastricus links</translation>
        </message>
        <message>
            <source>digastric right</source>
            <translation>M. digastricus rechts</translation>
        </message>
        <message>
            <source>duodenum</source>
            <translation>Duodenum</translation>
        </message>
        <message>
            <source>erector spinae left</source>
            <translation>M. erector spinae links</translation>
        </message>
        <message>
            <source>erector spinae right</source>
            <translation>M. erector spinae rechts</translation>
        </message>
        <message>
            <source>esophagus</source>
            <translation>Ösophagus</translation>
        </message>
        <message>
            <source>external oblique left</source>
            <translation>M. obliquus externus links</translation>
        </message>
        <message>
            <source>external oblique right</source>
            <translation>M. obliquus externus rechts</translation>
        </message>
        <message>
            <source>eye left</source>
            <translation>Auge links</translation>
        </message>
        <message>
            <source>eye lens left</source>
            <translation>Augenlinse links</translation>
        </message>
        <message>
            <source>eye lens right</source>
            <translation>Augenlinse rechts</translation>
        </message>
        <message>
            <source>eye right</source>
            <translation>Auge rechts</translation>
        </message>
        <message>
            <source>eyeball left</source>
            <translation>Augapfel links</translation>
        </message>
        <message>
            <source>eyeball right</source>
            <translation>Augapfel rechts</translation>
        </message>
        <message>
            <source>face</source>
            <translation>Gesicht</translation>
        </message>
        <message>
            <source>fat</source>
            <translation>Fett</translation>
        </message>
        <message>
            <source>femur left</source>
            <translation>Femur links</translation>
        </message>
        <message>
            <source>femur right</source>
            <translation>Femur rechts</translation>
        </message>
        <message>
            <source>fibula</source>
            <translation>Fibula</translation>
        </message>
        <message>
            <source>fourth ventricle</source>
            <translation>vierter Ventrikel</translation>
        </message>
        <message>
            <source>frontal lobe</source>
            <translation>Frontallappen</translation>
        </message>
        <message>
            <source>gallbladder</source>
            <translation>Gallenblase</translation>
        </message>
        <message>
            <source>gluteus maximus left</source>
            <translation>M. gluteus maximus links</translation>
        </message>
        <message>
            <source>gluteus maximus right</source>
            <translation>M. gluteus maximus rechts</translation>
        </message>
        <message>
            <source>gluteus medius left</source>
            <translation>M. gluteus medius links</translation>
        </message>
        <message>
            <source>gluteus medius right</source>
            <translation>M. gluteus medius rechts</translation>
        </message>
        <message>
            <source>gluteus minimus left</source>
            <translation>M. gluteus minimus links</translation>
        </message>
        <message>
            <source>gluteus minimus right</source>
            <translation>M. gluteus minimus rechts</translation>
        </message>
        <message>
            <source>hard palate</source>
            <translation>harter Gaumen</translation>
        </message>
        <message>
            <source>head</source>
            <translation>Kopf</translation>
        </message>
        <message>
            <source>heart</source>
            <translation>Herz</translation>
        </message>
        <message>
            <source>heart atrium left</source>
            <translation>linker Vorhof</translation>
        </message>
        <message>
            <source>heart atrium right</source>
            <translation>rechter Vorhof</translation>
        </message>
        <message>
            <source>heart myocardium</source>
            <translation>Myokard</translation>
        </message>
        <message>
            <source>heart ventricle left</source>
            <translation>linker Ventrikel</translation>
        </message>
        <message>
            <source>heart ventricle right</source>
            <translation>rechter Ventrikel</translation>
        </message>
        <message>
            <source>hip implant</source>
            <translation>Hüftprothese</translation>
        </message>
        <message>
            <source>hip left</source>
            <translation>Hüftbein links</translation>
        </message>
        <message>
            <source>hip right</source>
            <translation>Hüftbein rechts</translation>
        </message>
        <message>
            <source>humerus left</source>
            <translation>Humerus links</translation>
        </message>
        <message>
            <source>humerus right</source>
            <translation>Humerus rechts</translation>
        </message>
        <message>
            <source>hyoid</source>
            <translation>Zungenbein</translation>
        </message>
        <message>
            <source>hypopharynx</source>
            <translation>Hypopharynx</translation>
        </message>
        <message>
            <source>iliac artery left</source>
            <translation>A. iliaca links</translation>
        </message>
        <message>
            <source>iliac artery right</source>
            <translation>A. iliaca rechts</translation>
        </message>
        <message>
            <source>iliac vena left</source>
            <translation>V. iliaca links</translation>
        </message>
        <message>
            <source>iliac vena right</source>
            <translation>V. iliaca rechts</translation>
        </message>
        <message>
            <source>iliopsoas left</source>
            <translation>M. iliopsoas links</translation>
        </message>
        <message>
            <source>iliopsoas right</source>
            <translation>M. iliopsoas rechts</translation>
        </message>
        <message>
            <source>implant</source>
            <translation>Implantat</translation>
        </message>
        <message>
            <source>inferior oblique muscle left</source>
            <translation>M. obliquus inferior links</translation>
        </message>
        <message>
            <source>inferior oblique muscle right</source>
            <translation>M. obliquus inferior rechts</translation>
        </message>
        <message>
            <source>inferior pharyngeal constrictor</source>
            <translation>unterer Schlundschnürer</translation>
        </message>
        <message>
            <source>inferior rectus muscle left</source>
            <translation>M. rectus inferior links</translation>
        </message>
        <message>
            <source>inferior rectus muscle right</source>
            <translation>M. rectus inferior rechts</translation>
        </message>
        <message>
            <source>inferior vena cava</source>
            <translation>untere Hohlvene</translation>
        </message>
        <message>
            <source>infraspinatus</source>
            <translation>M. infraspinatus</translation>
        </message>
        <message>
            <source>insular cortex</source>
            <translation>Inselrinde</translation>
        </message>
        <message>
            <source>intermuscular fat</source>
            <translation>intermuskuläres Fett</translation>
        </message>
        <message>
            <source>internal capsule</source>
            <translation>Capsula interna</translation>
        </message>
        <message>
            <source>internal carotid artery left</source>
            <translation>A. carotis interna links</translation>
        </message>
        <message>
            <source>internal carotid artery right</source>
            <translation>A. carotis interna rechts</translation>
        </message>
        <message>
            <source>internal jugular vein left</source>
            <translation>V. jugularis interna links</translation>
        </message>
        <message>
            <source>internal jugular vein right</source>
            <translation>V. jugularis interna rechts</translation>
        </message>
        <message>
            <source>internal oblique left</source>
            <translation>M. obliquus internus links</translation>
        </message>
        <message>
            <source>internal oblique right</source>
            <translation>M. obliquus internus rechts</translation>
        </message>
        <message>
            <source>intervertebral discs</source>
            <translation>Bandscheiben</translation>
        </message>
        <message>
            <source>intracerebral hemorrhage</source>
            <translation>intrazerebrale Blutung</translation>
        </message>
        <message>
            <source>kidney cyst left</source>
            <translation>Nierenzyste links</translation>
        </message>
        <message>
            <source>kidney cyst right</source>
            <translation>Nierenzyste rechts</translation>
        </message>
        <message>
            <source>kidney left</source>
            <translation>Niere links</translation>
        </message>
        <message>
            <source>kidney right</source>
            <translation>Niere rechts</translation>
        </message>
        <message>
            <source>larynx air</source>
            <translation>Luft im Kehlkopf</translation>
        </message>
        <message>
            <source>lateral pterygoid left</source>
            <translation>M. pterygoideus lateralis links</translation>
        </message>
        <message>
            <source>lateral pterygoid right</source>
            <translation>M. pterygoideus lateralis rechts</translation>
        </message>
        <message>
            <source>lateral rectus muscle left</source>
            <translation>M. rectus lateralis links</translation>
        </message>
        <message>
            <source>lateral rectus muscle right</source>
            <translation>M. rectus lateralis rechts</translation>
        </message>
        <message>
            <source>latissimus dorsi left</source>
            <translation>M. latissimus dorsi links</translation>
        </message>
        <message>
            <source>latissimus dorsi right</source>
            <translation>M. latissimus dorsi rechts</translation>
        </message>
        <message>
            <source>left coronary cusp</source>
            <translation>linkskoronare Tasche</translation>
        </message>
        <message>
            <source>left inferior alveolar canal</source>
            <translation>Mandibularkanal links</translation>
        </message>
        <message>
            <source>left mandibular incisive canal fdi103</source>
            <translation>Canalis incisivus links</translation>
        </message>
        <message>
            <source>left maxillary sinus</source>
            <translation>Kieferhöhle links</translation>
        </message>
        <message>
            <source>left ventricular outflow tract</source>
            <translation>Ausflusstrakt links</translation>
        </message>
        <message>
            <source>lentiform nucleus</source>
            <translation>Nucleus lentiformis</translation>
        </message>
        <message>
            <source>levator palpebrae superioris left</source>
            <translation>M. levator palpebrae superioris links</translation>
        </message>
        <message>
            <source>levator palpebrae superioris right</source>
            <translation>M. levator palpebrae superioris rechts</translation>
        </message>
        <message>
            <source>levator scapulae left</source>
            <translation>M. levator scapulae links</translation>
        </message>
        <message>
            <source>levator scapulae right</source>
            <translation>M. levator scapulae rechts</translation>
        </message>
        <message>
            <source>lingual canal</source>
            <translation>Canalis lingualis</translation>
        </message>
        <message>
            <source>liver</source>
            <translation>Leber</translation>
        </message>
        <message>
            <source>liver lesions</source>
            <translation>Leberläsionen</translation>
        </message>
        <message>
            <source>liver segment 1</source>
            <translation>Lebersegment 1</translation>
        </message>
        <message>
            <source>liver segment 2</source>
            <translation>Lebersegment 2</translation>
        </message>
        <message>
            <source>liver segment 3</source>
            <translation>Lebersegment 3</translation>
        </message>
        <message>
            <source>liver segment 4</source>
            <translation>Lebersegment 4</translation>
        </message>
        <message>
            <source>liver segment 5</source>
            <translation>Lebersegment 5</translation>
        </message>
        <message>
            <source>liver segment 6</source>
            <translation>Lebersegment 6</translation>
        </message>
        <message>
            <source>liver segment 7</source>
            <translation>Lebersegment 7</translation>
        </message>
        <message>
            <source>liver segment 8</source>
            <translation>Lebersegment 8</translation>
        </message>
        <message>
            <source>liver tumor</source>
            <translation>Lebertumor</translation>
        </message>
        <message>
            <source>liver vessels</source>
            <translation>Lebergefäße</translation>
        </message>
        <message>
            <source>lower jawbone</source>
            <translation>Unterkieferknochen</translation>
        </message>
        <message>
            <source>lower left canine fdi33</source>
            <translation>Zahn 33: Eckzahn unten links</translation>
        </message>
        <message>
            <source>lower left canine pulp fdi133</source>
            <translation>Pulpa 33: Eckzahn unten links</translation>
        </message>
        <message>
            <source>lower left central incisor fdi31</source>
            <translation>Zahn 31: mittlerer Schneidezahn unten links</translation>
        </message>
        <message>
            <source>lower left central incisor pulp fdi131</source>
            <translation>Pulpa 31: mittlerer Schneidezahn unten links</translation>
        </message>
        <message>
            <source>lower left first molar fdi36</source>
            <translation>Zahn 36: erster Molar unten links</translation>
        </message>
        <message>
            <source>lower left first molar pulp fdi136</source>
            <translation>Pulpa 36: erster Molar unten links</translation>
        </message>
        <message>
            <source>lower left first premolar fdi34</source>
            <translation>Zahn 34: erster Prämolar unten links</translation>
        </message>
        <message>
            <source>lower left first premolar pulp fdi134</source>
            <translation>Pulpa 34: erster Prämolar unten links</translation>
        </message>
        <message>
            <source>lower left lateral incisor fdi32</source>
            <translation>Zahn 32: seitlicher Schneidezahn unten links</translation>
        </message>
        <message>
            <source>lower left lateral incisor pulp fdi132</source>
            <translation>Pulpa 32: seitlicher Schneidezahn unten links</translation>
        </message>
        <message>
            <source>lower left second molar fdi37</source>
            <translation>Zahn 37: zweiter Molar unten links</translation>
        </message>
        <message>
            <source>lower left second molar pulp fdi137</source>
            <translation>Pulpa 37: zweiter Molar unten links</translation>
        </message>
        <message>
            <source>lower left second premolar fdi35</source>
            <translation>Zahn 35: zweiter Prämolar unten links</translation>
        </message>
        <message>
            <source>lower left second premolar pulp fdi135</source>
            <translation>Pulpa 35: zweiter Prämolar unten links</translation>
        </message>
        <message>
            <source>lower left third molar fdi38</source>
            <translation>Zahn 38: dritter Molar unten links</translation>
        </message>
        <message>
            <source>lower left third molar pulp fdi138</source>
            <translation>Pulpa 38: dritter Molar unten links</translation>
        </message>
        <message>
            <source>lower right canine fdi43</source>
            <translation>Zahn 43: Eckzahn unten rechts</translation>
        </message>
        <message>
            <source>lower right canine pulp fdi143</source>
            <translation>Pulpa 43: Eckzahn unten rechts</translation>
        </message>
        <message>
            <source>lower right central incisor fdi41</source>
            <translation>Zahn 41: mittlerer Schneidezahn unten rechts</translation>
        </message>
        <message>
            <source>lower right central incisor pulp fdi141</source>
            <translation>Pulpa 41: mittlerer Schneidezahn unten rechts</translation>
        </message>
        <message>
            <source>lower right first molar fdi46</source>
            <translation>Zahn 46: erster Molar unten rechts</translation>
        </message>
        <message>
            <source>lower right first molar pulp fdi146</source>
            <translation>Pulpa 46: erster Molar unten rechts</translation>
        </message>
        <message>
            <source>lower right first premolar fdi44</source>
            <translation>Zahn 44: erster Prämolar unten rechts</translation>
        </message>
        <message>
            <source>lower right first premolar pulp fdi144</source>
            <translation>Pulpa 44: erster Prämolar unten rechts</translation>
        </message>
        <message>
            <source>lower right lateral incisor fdi42</source>
            <translation>Zahn 42: seitlicher Schneidezahn unten rechts</translation>
        </message>
        <message>
            <source>lower right lateral incisor pulp fdi142</source>
            <translation>Pulpa 42: seitlicher Schneidezahn unten rechts</translation>
        </message>
        <message>
            <source>lower right second molar fdi47</source>
            <translation>Zahn 47: zweiter Molar unten rechts</translation>
        </message>
        <message>
            <source>lower right second molar pulp fdi147</source>
            <translation>Pulpa 47: zweiter Molar unten rechts</translation>
        </message>
        <message>
            <source>lower right second premolar fdi45</source>
            <translation>Zahn 45: zweiter Prämolar unten rechts</translation>
        </message>
        <message>
            <source>lower right second premolar pulp fdi145</source>
            <translation>Pulpa 45: zweiter Prämolar unten rechts</translation>
        </message>
        <message>
            <source>lower right third molar fdi48</source>
            <translation>Zahn 48: dritter Molar unten rechts</translation>
        </message>
        <message>
            <source>lower right third molar pulp fdi148</source>
            <translation>Pulpa 48: dritter Molar unten rechts</translation>
        </message>
        <message>
            <source>lung</source>
            <translation>Lunge</translation>
        </message>
        <message>
            <source>lung airways</source>
            <translation>Atemwege der Lunge</translation>
        </message>
        <message>
            <source>lung airways wall</source>
            <translation>Wand der Atemwege</translation>
        </message>
        <message>
            <source>lung arteries</source>
            <translation>Lungenarterien</translation>
        </message>
        <message>
            <source>lung left</source>
            <translation>Lunge links</translation>
        </message>
        <message>
            <source>lung lower lobe left</source>
            <translation>Unterlappen links</translation>
        </message>
        <message>
            <source>lung lower lobe right</source>
            <translation>Unterlappen rechts</translation>
        </message>
        <message>
            <source>lung middle lobe right</source>
            <translation>Mittellappen rechts</translation>
        </message>
        <message>
            <source>lung nodules</source>
            <translation>Lungenrundherde</translation>
        </message>
        <message>
            <source>lung pleural</source>
            <translation>Lunge und Pleura</translation>
        </message>
        <message>
            <source>lung right</source>
            <translation>Lunge rechts</translation>
        </message>
        <message>
            <source>lung trachea bronchia</source>
            <translation>Trachea und Bronchien</translation>
        </message>
        <message>
            <source>lung upper lobe left</source>
            <translation>Oberlappen links</translation>
        </message>
        <message>
            <source>lung upper lobe right</source>
            <translation>Oberlappen rechts</translation>
        </message>
        <message>
            <source>lung veins</source>
            <translation>Lungenvenen</translation>
        </message>
        <message>
            <source>lung vessels</source>
            <translation>Lungengefäße</translation>
        </message>
        <message>
            <source>mandible</source>
            <translation>Unterkiefer</translation>
        </message>
        <message>
            <source>masseter left</source>
            <translation>M. masseter links</translation>
        </message>
        <message>
            <source>masseter right</source>
            <translation>M. masseter rechts</translation>
        </message>
        <message>
            <source>medial pterygoid left</source>
            <translation>M. pterygoideus medialis links</translation>
        </message>
        <message>
            <source>medial pterygoid right</source>
            <translation>M. pterygoideus medialis rechts</translation>
        </message>
        <message>
            <source>medial rectus muscle left</source>
            <translation>M. rectus medialis links</translation>
        </message>
        <message>
            <source>medial rectus muscle right</source>
            <translation>M. rectus medialis rechts</translation>
        </message>
        <message>
            <source>mediastinum</source>
            <translation>Mediastinum</translation>
        </message>
        <message>
            <source>metacarpal</source>
            <translation>Mittelhandknochen</translation>
        </message>
        <message>
            <source>metatarsal</source>
            <translation>Mittelfußknochen</translation>
        </message>
        <message>
            <source>middle pharyngeal constrictor</source>
            <translation>mittlerer Schlundschnürer</translation>
        </message>
        <message>
            <source>middle scalene left</source>
            <translation>M. scalenus medius links</translation>
        </message>
        <message>
            <source>middle scalene right</source>
            <translation>M. scalenus medius rechts</translation>
        </message>
        <message>
            <source>nasal cavity left</source>
            <translation>Nasenhöhle links</translation>
        </message>
        <message>
            <source>nasal cavity right</source>
            <translation>Nasenhöhle rechts</translation>
        </message>
        <message>
            <source>nasopharynx</source>
            <translation>Nasopharynx</translation>
        </message>
        <message>
            <source>non coronary cusp</source>
            <translation>akoronare Tasche</translation>
        </message>
        <message>
            <source>occipital lobe</source>
            <translation>Okzipitallappen</translation>
        </message>
        <message>
            <source>optic nerve left</source>
            <translation>Sehnerv links</translation>
        </message>
        <message>
            <source>optic nerve right</source>
            <translation>Sehnerv rechts</translation>
        </message>
        <message>
            <source>oropharynx</source>
            <translation>Oropharynx</translation>
        </message>
        <message>
            <source>pancreas</source>
            <translation>Pankreas</translation>
        </message>
        <message>
            <source>parietal lobe</source>
            <translation>Parietallappen</translation>
        </message>
        <message>
            <source>parotid gland left</source>
            <translation>Parotis links</translation>
        </message>
        <message>
            <source>parotid gland right</source>
            <translation>Parotis rechts</translation>
        </message>
        <message>
            <source>patella</source>
            <translation>Patella</translation>
        </message>
        <message>
            <source>pectoralis major left</source>
            <translation>M. pectoralis major links</translation>
        </message>
        <message>
            <source>pectoralis major right</source>
            <translation>M. pectoralis major rechts</translation>
        </message>
        <message>
            <source>pectoralis minor</source>
            <translation>M. pectoralis minor</translation>
        </message>
        <message>
            <source>pericardial effusion</source>
            <translation>Perikarderguss</translation>
        </message>
        <message>
            <source>pericardium</source>
            <translation>Perikard</translation>
        </message>
        <message>
            <source>phalanges feet</source>
            <translation>Zehenknochen</translation>
        </message>
        <message>
            <source>phalanges hand</source>
            <translation>Fingerknochen</translation>
        </message>
        <message>
            <source>pharynx</source>
            <translation>Pharynx</translation>
        </message>
        <message>
            <source>platysma left</source>
            <translation>Platysma links</translation>
        </message>
        <message>
            <source>platysma right</source>
            <translation>Platysma rechts</translation>
        </message>
        <message>
            <source>pleural effusion</source>
            <translation>Pleuraerguss</translation>
        </message>
        <message>
            <source>portal vein and splenic vein</source>
            <translation>Pfort- und Milzvene</translation>
        </message>
        <message>
            <source>posterior scalene left</source>
            <translation>M. scalenus posterior links</translation>
        </message>
        <message>
            <source>posterior scalene right</source>
            <translation>M. scalenus posterior rechts</translation>
        </message>
        <message>
            <source>prevertebral left</source>
            <translation>prävertebrale Muskulatur links</translation>
        </message>
        <message>
            <source>prevertebral right</source>
            <translation>prävertebrale Muskulatur rechts</translation>
        </message>
        <message>
            <source>prostate</source>
            <translation>Prostata</translation>
        </message>
        <message>
            <source>psoas major left</source>
            <translation>M. psoas major links</translation>
        </message>
        <message>
            <source>psoas major right</source>
            <translation>M. psoas major rechts</translation>
        </message>
        <message>
            <source>pul annulus</source>
            <translation>Annulus (Pulmonalis)</translation>
        </message>
        <message>
            <source>pul bifurcation</source>
            <translation>Bifurkation (Pulmonalis)</translation>
        </message>
        <message>
            <source>pul left start</source>
            <translation>Abgang der A. pulmonalis links</translation>
        </message>
        <message>
            <source>pul right start</source>
            <translation>Abgang der A. pulmonalis rechts</translation>
        </message>
        <message>
            <source>pul sinotubular junction</source>
            <translation>sinutubulärer Übergang (Pulmonalis)</translation>
        </message>
        <message>
            <source>pulmonary artery</source>
            <translation>Pulmonalarterie</translation>
        </message>
        <message>
            <source>pulmonary vein</source>
            <translation>Pulmonalvene</translation>
        </message>
        <message>
            <source>quadratus lumborum left</source>
            <translation>M. quadratus lumborum links</translation>
        </message>
        <message>
            <source>quadratus lumborum right</source>
            <translation>M. quadratus lumborum rechts</translation>
        </message>
        <message>
            <source>quadriceps femoris left</source>
            <translation>M. quadriceps femoris links</translation>
        </message>
        <message>
            <source>quadriceps femoris right</source>
            <translation>M. quadriceps femoris rechts</translation>
        </message>
        <message>
            <source>radius</source>
            <translation>Radius</translation>
        </message>
        <message>
            <source>rectus abdominis left</source>
            <translation>M. rectus abdominis links</translation>
        </message>
        <message>
            <source>rectus abdominis right</source>
            <translation>M. rectus abdominis rechts</translation>
        </message>
        <message>
            <source>renal arteries</source>
            <translation>Nierenarterien</translation>
        </message>
        <message>
            <source>rib left 1</source>
            <translation>Rippe links 1</translation>
        </message>
        <message>
            <source>rib left 10</source>
            <translation>Rippe links 10</translation>
        </message>
        <message>
            <source>rib left 11</source>
            <translation>Rippe links 11</translation>
        </message>
        <message>
            <source>rib left 12</source>
            <translation>Rippe links 12</translation>
        </message>
        <message>
            <source>rib left 2</source>
            <translation>Rippe links 2</translation>
        </message>
        <message>
            <source>rib left 3</source>
            <translation>Rippe links 3</translation>
        </message>
        <message>
            <source>rib left 4</source>
            <translation>Rippe links 4</translation>
        </message>
        <message>
            <source>rib left 5</source>
            <translation>Rippe links 5</translation>
        </message>
        <message>
            <source>rib left 6</source>
            <translation>Rippe links 6</translation>
        </message>
        <message>
            <source>rib left 7</source>
            <translation>Rippe links 7</translation>
        </message>
        <message>
            <source>rib left 8</source>
            <translation>Rippe links 8</translation>
        </message>
        <message>
            <source>rib left 9</source>
            <translation>Rippe links 9</translation>
        </message>
        <message>
            <source>rib right 1</source>
            <translation>Rippe rechts 1</translation>
        </message>
        <message>
            <source>rib right 10</source>
            <translation>Rippe rechts 10</translation>
        </message>
        <message>
            <source>rib right 11</source>
            <translation>Rippe rechts 11</translation>
        </message>
        <message>
            <source>rib right 12</source>
            <translation>Rippe rechts 12</translation>
        </message>
        <message>
            <source>rib right 2</source>
            <translation>Rippe rechts 2</translation>
        </message>
        <message>
            <source>rib right 3</source>
            <translation>Rippe rechts 3</translation>
        </message>
        <message>
            <source>rib right 4</source>
            <translation>Rippe rechts 4</translation>
        </message>
        <message>
            <source>rib right 5</source>
            <translation>Rippe rechts 5</translation>
        </message>
        <message>
            <source>rib right 6</source>
            <translation>Rippe rechts 6</translation>
        </message>
        <message>
            <source>rib right 7</source>
            <translation>Rippe rechts 7</translation>
        </message>
        <message>
            <source>rib right 8</source>
            <translation>Rippe rechts 8</translation>
        </message>
        <message>
            <source>rib right 9</source>
            <translation>Rippe rechts 9</translation>
        </message>
        <message>
            <source>right coronary cusp</source>
            <translation>rechtskoronare Tasche</translation>
        </message>
        <message>
            <source>right inferior alveolar canal</source>
            <translation>Mandibularkanal rechts</translation>
        </message>
        <message>
            <source>right mandibular incisive canal fdi104</source>
            <translation>Canalis incisivus rechts</translation>
        </message>
        <message>
            <source>right maxillary sinus</source>
            <translation>Kieferhöhle rechts</translation>
        </message>
        <message>
            <source>sacrum</source>
            <translation>Kreuzbein</translation>
        </message>
        <message>
            <source>sartorius left</source>
            <translation>M. sartorius links</translation>
        </message>
        <message>
            <source>sartorius right</source>
            <translation>M. sartorius rechts</translation>
        </message>
        <message>
            <source>scapula left</source>
            <translation>Skapula links</translation>
        </message>
        <message>
            <source>scapula right</source>
            <translation>Skapula rechts</translation>
        </message>
        <message>
            <source>septum pellucidum</source>
            <translation>Septum pellucidum</translation>
        </message>
        <message>
            <source>serratus anterior</source>
            <translation>M. serratus anterior</translation>
        </message>
        <message>
            <source>serratus anterior left</source>
            <translation>M. serratus anterior links</translation>
        </message>
        <message>
            <source>serratus anterior right</source>
            <translation>M. serratus anterior rechts</translation>
        </message>
        <message>
            <source>sinotubular junction</source>
            <translation>sinutubulärer Übergang</translation>
        </message>
        <message>
            <source>sinus frontal</source>
            <translation>Stirnhöhle</translation>
        </message>
        <message>
            <source>sinus maxillary</source>
            <translation>Kieferhöhle</translation>
        </message>
        <message>
            <source>skeletal muscle</source>
            <translation>Skelettmuskulatur</translation>
        </message>
        <message>
            <source>skull</source>
            <translation>Schädel</translation>
        </message>
        <message>
            <source>small bowel</source>
            <translation>Dünndarm</translation>
        </message>
        <message>
            <source>soft palate</source>
            <translation>weicher Gaumen</translation>
        </message>
        <message>
            <source>soft tissue</source>
            <translation>Weichteile</translation>
        </message>
        <message>
            <source>spinal cord</source>
            <translation>Rückenmark</translation>
        </message>
        <message>
            <source>spleen</source>
            <translation>Milz</translation>
        </message>
        <message>
            <source>sterno thyroid left</source>
            <translation>M. sternothyroideus links</translation>
        </message>
        <message>
            <source>sterno thyroid right</source>
            <translation>M. sternothyroideus rechts</translation>
        </message>
        <message>
            <source>sternocleidomastoid left</source>
            <translation>M. sternocleidomastoideus links</translation>
        </message>
        <message>
            <source>sternocleidomastoid right</source>
            <translation>M. sternocleidomastoideus rechts</translation>
        </message>
        <message>
            <source>sternum</source>
            <translation>Sternum</translation>
        </message>
        <message>
            <source>stomach</source>
            <translation>Magen</translation>
        </message>
        <message>
            <source>styloid process left</source>
            <translation>Griffelfortsatz links</translation>
        </message>
        <message>
            <source>styloid process right</source>
            <translation>Griffelfortsatz rechts</translation>
        </message>
        <message>
            <source>subarachnoid space</source>
            <translation>Subarachnoidalraum</translation>
        </message>
        <message>
            <source>subclavian artery left</source>
            <translation>A. subclavia links</translation>
        </message>
        <message>
            <source>subclavian artery right</source>
            <translation>A. subclavia rechts</translation>
        </message>
        <message>
            <source>subcutaneous fat</source>
            <translation>subkutanes Fett</translation>
        </message>
        <message>
            <source>submandibular gland left</source>
            <translation>Gl. submandibularis links</translation>
        </message>
        <message>
            <source>submandibular gland right</source>
            <translation>Gl. submandibularis rechts</translation>
        </message>
        <message>
            <source>subscapularis</source>
            <translation>M. subscapularis</translation>
        </message>
        <message>
            <source>superior mesenteric artery</source>
            <translation>A. mesenterica superior</translation>
        </message>
        <message>
            <source>superior oblique muscle left</source>
            <translation>M. obliquus superior links</translation>
        </message>
        <message>
            <source>superior oblique muscle right</source>
            <translation>M. obliquus superior rechts</translation>
        </message>
        <message>
            <source>superior pharyngeal constrictor</source>
            <translation>oberer Schlundschnürer</translation>
        </message>
        <message>
            <source>superior rectus muscle left</source>
            <translation>M. rectus superior links</translation>
        </message>
        <message>
            <source>superior rectus muscle right</source>
            <translation>M. rectus superior rechts</translation>
        </message>
        <message>
            <source>superior vena cava</source>
            <translation>obere Hohlvene</translation>
        </message>
        <message>
            <source>supraspinatus</source>
            <translation>M. supraspinatus</translation>
        </message>
        <message>
            <source>tarsal</source>
            <translation>Fußwurzelknochen</translation>
        </message>
        <message>
            <source>teeth lower</source>
            <translation>untere Zähne</translation>
        </message>
        <message>
            <source>teeth upper</source>
            <translation>obere Zähne</translation>
        </message>
        <message>
            <source>temporal lobe</source>
            <translation>Temporallappen</translation>
        </message>
        <message>
            <source>temporalis left</source>
            <translation>M. temporalis links</translation>
        </message>
        <message>
            <source>temporalis right</source>
            <translation>M. temporalis rechts</translation>
        </message>
        <message>
            <source>teres major</source>
            <translation>M. teres major</translation>
        </message>
        <message>
            <source>thalamus</source>
            <translation>Thalamus</translation>
        </message>
        <message>
            <source>thigh medial compartment left</source>
            <translation>Oberschenkel medial links</translation>
        </message>
        <message>
            <source>thigh medial compartment right</source>
            <translation>Oberschenkel medial rechts</translation>
        </message>
        <message>
            <source>thigh posterior compartment left</source>
            <translation>Oberschenkel dorsal links</translation>
        </message>
        <message>
            <source>thigh posterior compartment right</source>
            <translation>Oberschenkel dorsal rechts</translation>
        </message>
        <message>
            <source>third ventricle</source>
            <translation>dritter Ventrikel</translation>
        </message>
        <message>
            <source>thoracic cavity</source>
            <translation>Brusthöhle</translation>
        </message>
        <message>
            <source>thyrohyoid left</source>
            <translation>M. thyrohyoideus links</translation>
        </message>
        <message>
            <source>thyrohyoid right</source>
            <translation>M. thyrohyoideus rechts</translation>
        </message>
        <message>
            <source>thyroid cartilage</source>
            <translation>Schildknorpel</translation>
        </message>
        <message>
            <source>thyroid gland</source>
            <translation>Schilddrüse</translation>
        </message>
        <message>
            <source>tibia</source>
            <translation>Tibia</translation>
        </message>
        <message>
            <source>tongue</source>
            <translation>Zunge</translation>
        </message>
        <message>
            <source>torso fat</source>
            <translation>Fett im Rumpf</translation>
        </message>
        <message>
            <source>trachea</source>
            <translation>Trachea</translation>
        </message>
        <message>
            <source>transversospinalis left</source>
            <translation>M. transversospinalis links</translation>
        </message>
        <message>
            <source>transversospinalis right</source>
            <translation>M. transversospinalis rechts</translation>
        </message>
        <message>
            <source>trapezius</source>
            <translation>M. trapezius</translation>
        </message>
        <message>
            <source>trapezius left</source>
            <translation>M. trapezius links</translation>
        </message>
        <message>
            <source>trapezius right</source>
            <translation>M. trapezius rechts</translation>
        </message>
        <message>
            <source>triceps brachii</source>
            <translation>M. triceps brachii</translation>
        </message>
        <message>
            <source>ulna</source>
            <translation>Ulna</translation>
        </message>
        <message>
            <source>upper jawbone</source>
            <translation>Oberkieferknochen</translation>
        </message>
        <message>
            <source>upper left canine fdi23</source>
            <translation>Zahn 23: Eckzahn oben links</translation>
        </message>
        <message>
            <source>upper left canine pulp fdi123</source>
            <translation>Pulpa 23: Eckzahn oben links</translation>
        </message>
        <message>
            <source>upper left central incisor fdi21</source>
            <translation>Zahn 21: mittlerer Schneidezahn oben links</translation>
        </message>
        <message>
            <source>upper left central incisor pulp fdi121</source>
            <translation>Pulpa 21: mittlerer Schneidezahn oben links</translation>
        </message>
        <message>
            <source>upper left first molar fdi26</source>
            <translation>Zahn 26: erster Molar oben links</translation>
        </message>
        <message>
            <source>upper left first molar pulp fdi126</source>
            <translation>Pulpa 26: erster Molar oben links</translation>
        </message>
        <message>
            <source>upper left first premolar fdi24</source>
            <translation>Zahn 24: erster Prämolar oben links</translation>
        </message>
        <message>
            <source>upper left first premolar pulp fdi124</source>
            <translation>Pulpa 24: erster Prämolar oben links</translation>
        </message>
        <message>
            <source>upper left lateral incisor fdi22</source>
            <translation>Zahn 22: seitlicher Schneidezahn oben links</translation>
        </message>
        <message>
            <source>upper left lateral incisor pulp fdi122</source>
            <translation>Pulpa 22: seitlicher Schneidezahn oben links</translation>
        </message>
        <message>
            <source>upper left second molar fdi27</source>
            <translation>Zahn 27: zweiter Molar oben links</translation>
        </message>
        <message>
            <source>upper left second molar pulp fdi127</source>
            <translation>Pulpa 27: zweiter Molar oben links</translation>
        </message>
        <message>
            <source>upper left second premolar fdi25</source>
            <translation>Zahn 25: zweiter Prämolar oben links</translation>
        </message>
        <message>
            <source>upper left second premolar pulp fdi125</source>
            <translation>Pulpa 25: zweiter Prämolar oben links</translation>
        </message>
        <message>
            <source>upper left third molar fdi28</source>
            <translation>Zahn 28: dritter Molar oben links</translation>
        </message>
        <message>
            <source>upper left third molar pulp fdi128</source>
            <translation>Pulpa 28: dritter Molar oben links</translation>
        </message>
        <message>
            <source>upper right canine fdi13</source>
            <translation>Zahn 13: Eckzahn oben rechts</translation>
        </message>
        <message>
            <source>upper right canine pulp fdi113</source>
            <translation>Pulpa 13: Eckzahn oben rechts</translation>
        </message>
        <message>
            <source>upper right central incisor fdi11</source>
            <translation>Zahn 11: mittlerer Schneidezahn oben rechts</translation>
        </message>
        <message>
            <source>upper right central incisor pulp fdi111</source>
            <translation>Pulpa 11: mittlerer Schneidezahn oben rechts</translation>
        </message>
        <message>
            <source>upper right first molar fdi16</source>
            <translation>Zahn 16: erster Molar oben rechts</translation>
        </message>
        <message>
            <source>upper right first molar pulp fdi116</source>
            <translation>Pulpa 16: erster Molar oben rechts</translation>
        </message>
        <message>
            <source>upper right first premolar fdi14</source>
            <translation>Zahn 14: erster Prämolar oben rechts</translation>
        </message>
        <message>
            <source>upper right first premolar pulp fdi114</source>
            <translation>Pulpa 14: erster Prämolar oben rechts</translation>
        </message>
        <message>
            <source>upper right lateral incisor fdi12</source>
            <translation>Zahn 12: seitlicher Schneidezahn oben rechts</translation>
        </message>
        <message>
            <source>upper right lateral incisor pulp fdi112</source>
            <translation>Pulpa 12: seitlicher Schneidezahn oben rechts</translation>
        </message>
        <message>
            <source>upper right second molar fdi17</source>
            <translation>Zahn 17: zweiter Molar oben rechts</translation>
        </message>
        <message>
            <source>upper right second molar pulp fdi117</source>
            <translation>Pulpa 17: zweiter Molar oben rechts</translation>
        </message>
        <message>
            <source>upper right second premolar fdi15</source>
            <translation>Zahn 15: zweiter Prämolar oben rechts</translation>
        </message>
        <message>
            <source>upper right second premolar pulp fdi115</source>
            <translation>Pulpa 15: zweiter Prämolar oben rechts</translation>
        </message>
        <message>
            <source>upper right third molar fdi18</source>
            <translation>Zahn 18: dritter Molar oben rechts</translation>
        </message>
        <message>
            <source>upper right third molar pulp fdi118</source>
            <translation>Pulpa 18: dritter Molar oben rechts</translation>
        </message>
        <message>
            <source>urinary bladder</source>
            <translation>Harnblase</translation>
        </message>
        <message>
            <source>venous sinuses</source>
            <translation>venöse Sinus</translation>
        </message>
        <message>
            <source>ventricle</source>
            <translation>Hirnventrikel</translation>
        </message>
        <message>
            <source>ventricle body left</source>
            <translation>Pars centralis links</translation>
        </message>
        <message>
            <source>ventricle body right</source>
            <translation>Pars centralis rechts</translation>
        </message>
        <message>
            <source>ventricle frontal horn left</source>
            <translation>Vorderhorn links</translation>
        </message>
        <message>
            <source>ventricle frontal horn right</source>
            <translation>Vorderhorn rechts</translation>
        </message>
        <message>
            <source>ventricle occipital horn left</source>
            <translation>Hinterhorn links</translation>
        </message>
        <message>
            <source>ventricle occipital horn right</source>
            <translation>Hinterhorn rechts</translation>
        </message>
        <message>
            <source>ventricle temporal horn left</source>
            <translation>Unterhorn links</translation>
        </message>
        <message>
            <source>ventricle temporal horn right</source>
            <translation>Unterhorn rechts</translation>
        </message>
        <message>
            <source>ventricle trigone left</source>
            <translation>Trigonum links</translation>
        </message>
        <message>
            <source>ventricle trigone right</source>
            <translation>Trigonum rechts</translation>
        </message>
        <message>
            <source>vertebra C1</source>
            <translation>Wirbel C1</translation>
        </message>
        <message>
            <source>vertebra C2</source>
            <translation>Wirbel C2</translation>
        </message>
        <message>
            <source>vertebra C3</source>
            <translation>Wirbel C3</translation>
        </message>
        <message>
            <source>vertebra C4</source>
            <translation>Wirbel C4</translation>
        </message>
        <message>
            <source>vertebra C5</source>
            <translation>Wirbel C5</translation>
        </message>
        <message>
            <source>vertebra C6</source>
            <translation>Wirbel C6</translation>
        </message>
        <message>
            <source>vertebra C7</source>
            <translation>Wirbel C7</translation>
        </message>
        <message>
            <source>vertebra L1</source>
            <translation>Wirbel L1</translation>
        </message>
        <message>
            <source>vertebra L2</source>
            <translation>Wirbel L2</translation>
        </message>
        <message>
            <source>vertebra L3</source>
            <translation>Wirbel L3</translation>
        </message>
        <message>
            <source>vertebra L4</source>
            <translation>Wirbel L4</translation>
        </message>
        <message>
            <source>vertebra L5</source>
            <translation>Wirbel L5</translation>
        </message>
        <message>
            <source>vertebra L6</source>
            <translation>Wirbel L6</translation>
        </message>
        <message>
            <source>vertebra S1</source>
            <translation>Wirbel S1</translation>
        </message>
        <message>
            <source>vertebra T1</source>
            <translation>Wirbel Th1</translation>
        </message>
        <message>
            <source>vertebra T10</source>
            <translation>Wirbel Th10</translation>
        </message>
        <message>
            <source>vertebra T11</source>
            <translation>Wirbel Th11</translation>
        </message>
        <message>
            <source>vertebra T12</source>
            <translation>Wirbel Th12</translation>
        </message>
        <message>
            <source>vertebra T2</source>
            <translation>Wirbel Th2</translation>
        </message>
        <message>
            <source>vertebra T3</source>
            <translation>Wirbel Th3</translation>
        </message>
        <message>
            <source>vertebra T4</source>
            <translation>Wirbel Th4</translation>
        </message>
        <message>
            <source>vertebra T5</source>
            <translation>Wirbel Th5</translation>
        </message>
        <message>
            <source>vertebra T6</source>
            <translation>Wirbel Th6</translation>
        </message>
        <message>
            <source>vertebra T7</source>
            <translation>Wirbel Th7</translation>
        </message>
        <message>
            <source>vertebra T8</source>
            <translation>Wirbel Th8</translation>
        </message>
        <message>
            <source>vertebra T9</source>
            <translation>Wirbel Th9</translation>
        </message>
        <message>
            <source>vertebrae</source>
            <translation>Wirbel</translation>
        </message>
        <message>
            <source>vertebrae body</source>
            <translation>Wirbelkörper</translation>
        </message>
        <message>
            <source>zygomatic arch left</source>
            <translation>Jochbogen links</translation>
        </message>
        <message>
            <source>zygomatic arch right</source>
            <translation>Jochbogen rechts</translation>
        </message>
    </context>
    <context>
        <name>StructuresBox</name>
        <message>
            <source>All</source>
            <translation>Alle</translation>
        </message>
        <message>
            <source>Find a structure</source>
            <translation>Struktur suchen</translation>
        </message>
        <message>
            <source>Leave them out</source>
            <translation>Weglassen</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>Not in these labels: {names}</source>
            <translation>Nicht in dieser Segmentierung: {names}</translation>
        </message>
        <message>
            <source>Structures to print</source>
            <translation>Strukturen zum Drucken</translation>
        </message>
        <message>
            <source>Tick what is to be printed</source>
            <translation>Haken Sie an, was gedruckt wird</translation>
        </message>
        <message>
            <source>structures</source>
            <translation>Strukturen</translation>
        </message>
    </context>
    <context>
        <name>Studio</name>
        <message>
            <source>All files</source>
            <translation>Alle Dateien</translation>
        </message>
        <message>
            <source>Checked before printing</source>
            <translation>Prüfung vor dem Druck</translation>
        </message>
        <message>
            <source>Dismiss</source>
            <translation>Ausblenden</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Export</translation>
        </message>
        <message>
            <source>Load recipe</source>
            <translation>Rezept laden</translation>
        </message>
        <message>
            <source>Parts</source>
            <translation>Teile</translation>
        </message>
        <message>
            <source>Print studio</source>
            <translation>Druckstudio</translation>
        </message>
        <message>
            <source>Recipes</source>
            <translation>Rezepte</translation>
        </message>
        <message>
            <source>Save recipe</source>
            <translation>Rezept speichern</translation>
        </message>
        <message>
            <source>The recipe was loaded. Not in these labels: {names}.</source>
            <translation>Das Rezept wurde geladen. Nicht in dieser Segmentierung: {names}.</translation>
        </message>
        <message>
            <source>load recipe</source>
            <translation>Rezept laden</translation>
        </message>
        <message>
            <source>{name} was written.</source>
            <translation>{name} wurde geschrieben.</translation>
        </message>
    </context>
    <context>
        <name>StudioFlow</name>
        <message>
            <source>A draft is shown.</source>
            <translation>Es wird ein Entwurf gezeigt.</translation>
        </message>
        <message>
            <source>Print when the run has ended.</source>
            <translation>Drucken Sie, wenn die Berechnung beendet ist.</translation>
        </message>
        <message>
            <source>structures</source>
            <translation>Strukturen</translation>
        </message>
    </context>
    <context>
        <name>StudioLine</name>
        <message>
            <source>Checked: {done} of {count} parts</source>
            <translation>Geprüft: {done} von {count} Teilen</translation>
        </message>
        <message>
            <source>How far the parts are</source>
            <translation>Wie weit die Teile sind</translation>
        </message>
        <message>
            <source>Show all steps</source>
            <translation>Alle Schritte zeigen</translation>
        </message>
        <message>
            <source>Show report</source>
            <translation>Bericht zeigen</translation>
        </message>
        <message>
            <source>Shown up to step {count} of {steps}</source>
            <translation>Gezeigt bis Schritt {count} von {steps}</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Anhalten</translation>
        </message>
        <message>
            <source>Stopped: the parts of this recipe have not been made.</source>
            <translation>Angehalten: die Teile dieses Rezepts wurden nicht berechnet.</translation>
        </message>
        <message>
            <source>Try again</source>
            <translation>Erneut versuchen</translation>
        </message>
        <message>
            <source>What was shown before stays</source>
            <translation>Was vorher zu sehen war, bleibt</translation>
        </message>
        <message>
            <source>and {count} more</source>
            <translation>und {count} weitere</translation>
        </message>
    </context>
    <context>
        <name>SurfaceBox</name>
        <message>
            <source>Effect of smoothing in mm</source>
            <translation>Wirkung der Glättung in mm</translation>
        </message>
        <message>
            <source>Evens out what is narrower than {mm} mm</source>
            <translation>Ebnet ein, was schmaler als {mm} mm ist</translation>
        </message>
        <message>
            <source>Faithful</source>
            <translation>Getreu</translation>
        </message>
        <message>
            <source>Fewer triangles where the surface stays within this distance of itself</source>
            <translation>Weniger Dreiecke, wo die Oberfläche nicht weiter als so viel abweicht</translation>
        </message>
        <message>
            <source>How smooth surfaces are</source>
            <translation>Wie glatt Oberflächen sind</translation>
        </message>
        <message>
            <source>Not smoothed: the steps of the voxels stay</source>
            <translation>Nicht geglättet: die Stufen der Voxel bleiben</translation>
        </message>
        <message>
            <source>Ridges and grooves of this width lose half their height, narrower ones go, wider ones stay</source>
            <translation>Grate und Rinnen dieser Breite verlieren die halbe Höhe, schmalere verschwinden, breitere bleiben</translation>
        </message>
        <message>
            <source>Save triangles, up to</source>
            <translation>Dreiecke einsparen, bis</translation>
        </message>
        <message>
            <source>Smooth</source>
            <translation>Glatt</translation>
        </message>
        <message>
            <source>Very smooth</source>
            <translation>Sehr glatt</translation>
        </message>
        <message>
            <source>none</source>
            <translation>keine</translation>
        </message>
        <message>
            <source>smoothing</source>
            <translation>Glättung</translation>
        </message>
        <message>
            <source>triangles</source>
            <translation>Dreiecke</translation>
        </message>
    </context>
    <context>
        <name>Systems</name>
        <message>
            <source>Digestive and spleen</source>
            <translation>Verdauungsorgane und Milz</translation>
        </message>
        <message>
            <source>Glands</source>
            <translation>Drüsen</translation>
        </message>
        <message>
            <source>Head and brain</source>
            <translation>Kopf und Gehirn</translation>
        </message>
        <message>
            <source>Heart</source>
            <translation>Herz</translation>
        </message>
        <message>
            <source>Limbs</source>
            <translation>Gliedmaßen</translation>
        </message>
        <message>
            <source>Lungs and airways</source>
            <translation>Lungen und Atemwege</translation>
        </message>
        <message>
            <source>Muscles</source>
            <translation>Muskeln</translation>
        </message>
        <message>
            <source>Other</source>
            <translation>Sonstiges</translation>
        </message>
        <message>
            <source>Pelvis</source>
            <translation>Becken</translation>
        </message>
        <message>
            <source>Ribs and sternum</source>
            <translation>Rippen und Sternum</translation>
        </message>
        <message>
            <source>Spine</source>
            <translation>Wirbelsäule</translation>
        </message>
        <message>
            <source>Teeth</source>
            <translation>Zähne</translation>
        </message>
        <message>
            <source>Tissues and cavities</source>
            <translation>Gewebe und Höhlen</translation>
        </message>
        <message>
            <source>Urinary</source>
            <translation>Harnorgane</translation>
        </message>
        <message>
            <source>Vessels</source>
            <translation>Gefäße</translation>
        </message>
    </context>
    <context>
        <name>TaskCard</name>
        <message>
            <source>About this task</source>
            <translation>Über diese Aufgabe</translation>
        </message>
    </context>
    <context>
        <name>TaskChooser</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Find a task or structure</source>
            <translation>Aufgabe oder Struktur suchen</translation>
        </message>
        <message>
            <source>Needs a licence number; free for non-commercial use</source>
            <translation>Braucht eine Lizenznummer; für nicht kommerzielle Nutzung kostenlos</translation>
        </message>
        <message>
            <source>Tasks</source>
            <translation>Aufgaben</translation>
        </message>
    </context>
    <context>
        <name>TaskPage</name>
        <message>
            <source>Choose this task</source>
            <translation>Diese Aufgabe wählen</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Finds</source>
            <translation>Findet</translation>
        </message>
        <message>
            <source>Here</source>
            <translation>Hier</translation>
        </message>
        <message>
            <source>Licence</source>
            <translation>Lizenz</translation>
        </message>
        <message>
            <source>Network</source>
            <translation>Netz</translation>
        </message>
        <message>
            <source>Please cite</source>
            <translation>Bitte zitieren</translation>
        </message>
        <message>
            <source>Resolution</source>
            <translation>Auflösung</translation>
        </message>
        <message>
            <source>Scan</source>
            <translation>Aufnahme</translation>
        </message>
        <message>
            <source>This task is chosen</source>
            <translation>Diese Aufgabe ist gewählt</translation>
        </message>
        <message>
            <source>What it finds in the program's own phantom, which is no patient.</source>
            <translation>Was sie im mitgelieferten Phantom findet; das ist kein Patient.</translation>
        </message>
        <message>
            <source>about {time}, {memory} GB of memory</source>
            <translation>etwa {time}, {memory} GB Speicher</translation>
        </message>
        <message>
            <source>{count} of its structures in the program's own phantom, which is no patient.</source>
            <translation>{count} ihrer Strukturen im mitgelieferten Phantom; das ist kein Patient.</translation>
        </message>
    </context>
    <context>
        <name>TaskPanel</name>
        <message>
            <source>All {n} tasks</source>
            <translation>Alle {n} Aufgaben</translation>
        </message>
        <message>
            <source>Every task, by part of the body</source>
            <translation>Jede Aufgabe, nach Körperregion</translation>
        </message>
        <message>
            <source>Fewer tasks</source>
            <translation>Weniger Aufgaben</translation>
        </message>
        <message>
            <source>Find a task or structure</source>
            <translation>Aufgabe oder Struktur suchen</translation>
        </message>
        <message>
            <source>Found</source>
            <translation>Gefunden</translation>
        </message>
        <message>
            <source>Nothing is called “{query}”. Try another word for it.</source>
            <translation>Nichts heißt „{query}“. Versuchen Sie ein anderes Wort dafür.</translation>
        </message>
        <message>
            <source>Task</source>
            <translation>Aufgabe</translation>
        </message>
        <message>
            <source>Type a task, an organ or its anatomical name; a slip of the finger is forgiven</source>
            <translation>Geben Sie eine Aufgabe, ein Organ oder seinen anatomischen Namen ein; Tippfehler werden verziehen</translation>
        </message>
    </context>
    <context>
        <name>TaskWords</name>
        <message>
            <source>For non-commercial use only.</source>
            <translation>Nur für nicht kommerzielle Nutzung.</translation>
        </message>
        <message>
            <source>Made for {wanted}; this scan is {scan}</source>
            <translation>Für {wanted} gemacht; diese Aufnahme ist {scan}</translation>
        </message>
        <message>
            <source>Needs a licence number; free for non-commercial use.</source>
            <translation>Braucht eine Lizenznummer; für nicht kommerzielle Nutzung kostenlos.</translation>
        </message>
        <message>
            <source>Trained on little data: look at the result with care.</source>
            <translation>Mit wenigen Daten trainiert: prüfen Sie das Ergebnis sorgfältig.</translation>
        </message>
        <message>
            <source>as its maker says</source>
            <translation>nach Angabe des Herausgebers</translation>
        </message>
        <message>
            <source>as its network was trained</source>
            <translation>wie das Netz trainiert wurde</translation>
        </message>
        <message>
            <source>as the scan</source>
            <translation>wie die Aufnahme</translation>
        </message>
        <message>
            <source>cannot be run by this program</source>
            <translation>in diesem Programm nicht nutzbar</translation>
        </message>
        <message>
            <source>cannot run</source>
            <translation>nicht nutzbar</translation>
        </message>
        <message>
            <source>computed at once, nothing to download</source>
            <translation>sofort berechnet, nichts herunterzuladen</translation>
        </message>
        <message>
            <source>has {structure}</source>
            <translation>enthält {structure}</translation>
        </message>
        <message>
            <source>here, but incomplete</source>
            <translation>hier, aber unvollständig</translation>
        </message>
        <message>
            <source>instant</source>
            <translation>sofort</translation>
        </message>
        <message>
            <source>licence</source>
            <translation>Lizenz</translation>
        </message>
        <message>
            <source>licence number, free for non-commercial use</source>
            <translation>Lizenznummer, für nicht kommerzielle Nutzung kostenlos</translation>
        </message>
        <message>
            <source>no download</source>
            <translation>kein Download</translation>
        </message>
        <message>
            <source>non-commercial use only</source>
            <translation>nur nicht kommerzielle Nutzung</translation>
        </message>
        <message>
            <source>none needed</source>
            <translation>keine nötig</translation>
        </message>
        <message>
            <source>not here</source>
            <translation>nicht hier</translation>
        </message>
        <message>
            <source>not here, comes with a licence number</source>
            <translation>nicht hier, gibt es mit einer Lizenznummer</translation>
        </message>
        <message>
            <source>not on this computer</source>
            <translation>nicht auf diesem Computer</translation>
        </message>
        <message>
            <source>on this computer, ready to run</source>
            <translation>auf diesem Computer, rechenbereit</translation>
        </message>
        <message>
            <source>open (Apache 2.0)</source>
            <translation>offen (Apache 2.0)</translation>
        </message>
        <message>
            <source>ready</source>
            <translation>bereit</translation>
        </message>
        <message>
            <source>{chosen} of {count} structures</source>
            <translation>{chosen} von {count} Strukturen</translation>
        </message>
        <message>
            <source>{size} to download</source>
            <translation>{size} herunterzuladen</translation>
        </message>
    </context>
    <context>
        <name>Tasks</name>
        <message>
            <source>Abdominal and thoracic cavity, pericardium, mediastinum on CT.</source>
            <translation>Bauch- und Brusthöhle, Perikard, Mediastinum im CT.</translation>
        </message>
        <message>
            <source>All vertebral bodies as one class plus intervertebral discs on CT.</source>
            <translation>Alle Wirbelkörper als eine Struktur, dazu die Bandscheiben, im CT.</translation>
        </message>
        <message>
            <source>Aortic and pulmonary annulus/junction/bifurcation landmarks; used by the pulmonary report; five folds.</source>
            <translation>Annulus, Übergang und Bifurkation von Aorta und Pulmonalarterie als Landmarken; für den Pulmonalisbericht; fünf Netze.</translation>
        </message>
        <message>
            <source>Aortic annulus</source>
            <translation>Aortenannulus</translation>
        </message>
        <message>
            <source>Aortic annulus and sinotubular junction; used by the aorta report on an already cropped image; five folds.</source>
            <translation>Aortenannulus und sinutubulärer Übergang; für den Aortenbericht, auf einem schon zugeschnittenen Bild; fünf Netze.</translation>
        </message>
        <message>
            <source>Aortic dissection lumina</source>
            <translation>Lumina der Aortendissektion</translation>
        </message>
        <message>
            <source>Aortic sinuses</source>
            <translation>Aortensinus</translation>
        </message>
        <message>
            <source>As vertebrae_pp, then clipped to the vertebrae_body mask for sharper borders.</source>
            <translation>Wie vertebrae_pp, dann auf die Maske von vertebrae_body beschnitten, für schärfere Ränder.</translation>
        </message>
        <message>
            <source>Body outline</source>
            <translation>Körperumriss</translation>
        </message>
        <message>
            <source>Body outline (MR)</source>
            <translation>Körperumriss (MR)</translation>
        </message>
        <message>
            <source>Body outline on CT split into trunk and extremities; per-class output also derives body and skin.</source>
            <translation>Körperumriss im CT, getrennt in Rumpf und Extremitäten; je Struktur gespeichert kommen body und skin hinzu.</translation>
        </message>
        <message>
            <source>Body outline on MR split into trunk and extremities.</source>
            <translation>Körperumriss im MR, getrennt in Rumpf und Extremitäten.</translation>
        </message>
        <message>
            <source>Bones of arms and legs</source>
            <translation>Knochen der Arme und Beine</translation>
        </message>
        <message>
            <source>Bones of arms and legs (MR)</source>
            <translation>Knochen der Arme und Beine (MR)</translation>
        </message>
        <message>
            <source>Bones, by threshold</source>
            <translation>Knochen, nach Schwellenwert</translation>
        </message>
        <message>
            <source>Brain aneurysm (MR)</source>
            <translation>Hirnaneurysma (MR)</translation>
        </message>
        <message>
            <source>Brain haemorrhage</source>
            <translation>Hirnblutung</translation>
        </message>
        <message>
            <source>Brain lobes and deep structures on CT.</source>
            <translation>Hirnlappen und tiefe Strukturen im CT.</translation>
        </message>
        <message>
            <source>Brain structures</source>
            <translation>Hirnstrukturen</translation>
        </message>
        <message>
            <source>Brain ventricles</source>
            <translation>Hirnventrikel</translation>
        </message>
        <message>
            <source>Breast on CT.</source>
            <translation>Brust im CT.</translation>
        </message>
        <message>
            <source>Breasts</source>
            <translation>Brüste</translation>
        </message>
        <message>
            <source>Coeliac trunk, superior mesenteric and renal arteries; used by the aorta report on an already cropped image.</source>
            <translation>Truncus coeliacus, A. mesenterica superior und Nierenarterien; für den Aortenbericht, auf einem schon zugeschnittenen Bild.</translation>
        </message>
        <message>
            <source>Coronary arteries</source>
            <translation>Koronararterien</translation>
        </message>
        <message>
            <source>Coronary arteries on contrast and non-contrast CT (skeleton-recall model).</source>
            <translation>Koronararterien im CT mit und ohne Kontrastmittel (Skeleton-Recall-Netz).</translation>
        </message>
        <message>
            <source>Coronary arteries, earlier network</source>
            <translation>Koronararterien, früheres Netz</translation>
        </message>
        <message>
            <source>Couinaud segments 1-8 on CT.</source>
            <translation>Segmente 1-8 nach Couinaud im CT.</translation>
        </message>
        <message>
            <source>Couinaud segments 1-8 on MR.</source>
            <translation>Segmente 1-8 nach Couinaud im MR.</translation>
        </message>
        <message>
            <source>Custom: {title}</source>
            <translation>Eigenes Netz: {title}</translation>
        </message>
        <message>
            <source>Demonstration on a phantom</source>
            <translation>Demonstration am Phantom</translation>
        </message>
        <message>
            <source>Earlier lung vessel model: all lung vessels as one class plus trachea/bronchi.</source>
            <translation>Früheres Netz für Lungengefäße: alle Lungengefäße als eine Struktur, dazu Trachea und Bronchien.</translation>
        </message>
        <message>
            <source>Earlier network for the coronary arteries.</source>
            <translation>Früheres Netz für Koronararterien.</translation>
        </message>
        <message>
            <source>Every voxel of the body put in one of four classes by its Hounsfield units. No network: organs are not told apart.</source>
            <translation>Jedes Voxel des Körpers in einer von vier Klassen, nach seinen Hounsfield-Einheiten. Ohne Netz: Organe werden nicht unterschieden.</translation>
        </message>
        <message>
            <source>Everything dense in the body, without the table and small specks. No network: a threshold, so contrast agent and metal count as bone.</source>
            <translation>Alles Dichte im Körper, ohne Tisch und kleine Flecken. Ohne Netz: ein Schwellenwert, darum zählen Kontrastmittel und Metall als Knochen.</translation>
        </message>
        <message>
            <source>Eye muscles</source>
            <translation>Augenmuskeln</translation>
        </message>
        <message>
            <source>Eye muscles, eyeballs, optic nerves, skull on CT.</source>
            <translation>Augenmuskeln, Augäpfel, Sehnerven, Schädel im CT.</translation>
        </message>
        <message>
            <source>Eyes, lenses, optic nerves, salivary glands, pharynx, nasal cavity, auditory canals, palate on CT.</source>
            <translation>Augen, Linsen, Sehnerven, Speicheldrüsen, Pharynx, Nasenhöhle, Gehörgänge, Gaumen im CT.</translation>
        </message>
        <message>
            <source>Face</source>
            <translation>Gesicht</translation>
        </message>
        <message>
            <source>Face (MR)</source>
            <translation>Gesicht (MR)</translation>
        </message>
        <message>
            <source>Face region on CT, meant for anonymisation.</source>
            <translation>Gesichtsregion im CT, zum Anonymisieren gedacht.</translation>
        </message>
        <message>
            <source>Face region on MR, meant for anonymisation.</source>
            <translation>Gesichtsregion im MR, zum Anonymisieren gedacht.</translation>
        </message>
        <message>
            <source>Fat and muscle</source>
            <translation>Fett und Muskeln</translation>
        </message>
        <message>
            <source>Fat and muscle (MR)</source>
            <translation>Fett und Muskeln (MR)</translation>
        </message>
        <message>
            <source>Fat, muscle and fat within muscle</source>
            <translation>Fett, Muskeln und Fett zwischen Muskeln</translation>
        </message>
        <message>
            <source>Fat, soft tissue, bone</source>
            <translation>Fett, Weichteile, Knochen</translation>
        </message>
        <message>
            <source>Focal liver lesions on CT.</source>
            <translation>Fokale Leberläsionen im CT.</translation>
        </message>
        <message>
            <source>Focal liver lesions on MR.</source>
            <translation>Fokale Leberläsionen im MR.</translation>
        </message>
        <message>
            <source>Head glands and cavities</source>
            <translation>Drüsen und Höhlen des Kopfes</translation>
        </message>
        <message>
            <source>Head muscles</source>
            <translation>Kopfmuskeln</translation>
        </message>
        <message>
            <source>Heart chambers, high resolution</source>
            <translation>Herzhöhlen, hohe Auflösung</translation>
        </message>
        <message>
            <source>Hepatic vessels and liver tumour on CT (MSD task 8 data).</source>
            <translation>Lebergefäße und Lebertumoren im CT (Daten von MSD-Aufgabe 8).</translation>
        </message>
        <message>
            <source>Hip implant</source>
            <translation>Hüftprothese</translation>
        </message>
        <message>
            <source>Hip prosthesis on CT.</source>
            <translation>Hüftprothese im CT.</translation>
        </message>
        <message>
            <source>Individual teeth (FDI), pulps, jaws, canals, sinuses, restorations on CT/CBCT (ToothFairy3 data).</source>
            <translation>Einzelne Zähne (FDI), Pulpen, Kiefer, Kanäle, Nebenhöhlen, Zahnersatz in CT/DVT (Daten von ToothFairy3).</translation>
        </message>
        <message>
            <source>Intracerebral haemorrhage on head CT.</source>
            <translation>Intrazerebrale Blutung im Schädel-CT.</translation>
        </message>
        <message>
            <source>Intracranial aneurysm, TOF-MRA only; five-fold ensemble.</source>
            <translation>Intrakranielles Aneurysma, nur TOF-MRA; fünf Netze zusammen.</translation>
        </message>
        <message>
            <source>Kidney cysts</source>
            <translation>Nierenzysten</translation>
        </message>
        <message>
            <source>Larynx, cartilages, hyoid, zygomatic arch, styloid, carotids and jugulars on CT.</source>
            <translation>Kehlkopf, Knorpel, Zungenbein, Jochbogen, Griffelfortsatz, Karotiden und Jugularvenen im CT.</translation>
        </message>
        <message>
            <source>Left and right kidney cysts on CT, more accurate than the cyst classes of total.</source>
            <translation>Linke und rechte Nierenzysten im CT, genauer als die Zysten der Aufgabe total.</translation>
        </message>
        <message>
            <source>Left and right lung and the large airways, from the air inside the body. No network: dense or fluid-filled parts of a lung are missed.</source>
            <translation>Linke und rechte Lunge und die großen Atemwege, aus der Luft im Körper. Ohne Netz: dichte oder mit Flüssigkeit gefüllte Teile einer Lunge fehlen.</translation>
        </message>
        <message>
            <source>Left ventricular outflow tract and the three coronary cusps on CT.</source>
            <translation>Linksventrikulärer Ausflusstrakt und die drei Taschen der Aortenklappe im CT.</translation>
        </message>
        <message>
            <source>Liver lesions</source>
            <translation>Leberläsionen</translation>
        </message>
        <message>
            <source>Liver lesions (MR)</source>
            <translation>Leberläsionen (MR)</translation>
        </message>
        <message>
            <source>Liver segments</source>
            <translation>Lebersegmente</translation>
        </message>
        <message>
            <source>Liver segments (MR)</source>
            <translation>Lebersegmente (MR)</translation>
        </message>
        <message>
            <source>Liver vessels and tumours</source>
            <translation>Lebergefäße und -tumoren</translation>
        </message>
        <message>
            <source>Lung and lung nodules on CT (contributed by BLUEMIND AI; 1353 subjects, partly LIDC-IDRI).</source>
            <translation>Lunge und Lungenrundherde im CT (Beitrag von BLUEMIND AI; 1353 Personen, teils LIDC-IDRI).</translation>
        </message>
        <message>
            <source>Lung nodules</source>
            <translation>Lungenrundherde</translation>
        </message>
        <message>
            <source>Lung vessels and airways</source>
            <translation>Lungengefäße und Atemwege</translation>
        </message>
        <message>
            <source>Lung vessels, earlier network</source>
            <translation>Lungengefäße, früheres Netz</translation>
        </message>
        <message>
            <source>Lungs, by air</source>
            <translation>Lungen, nach Luft</translation>
        </message>
        <message>
            <source>Mandible, upper and lower teeth, skull, head, maxillary and frontal sinus on CT.</source>
            <translation>Unterkiefer, obere und untere Zähne, Schädel, Kopf, Kiefer- und Stirnhöhlen im CT.</translation>
        </message>
        <message>
            <source>Masticatory muscles, tongue, digastric on CT.</source>
            <translation>Kaumuskeln, Zunge, M. digastricus im CT.</translation>
        </message>
        <message>
            <source>Myocardium, four chambers, aorta, pulmonary artery on CT at sub-millimetre resolution.</source>
            <translation>Myokard, vier Herzhöhlen, Aorta, Pulmonalarterie im CT, feiner als 1 mm.</translation>
        </message>
        <message>
            <source>Neck bones and vessels</source>
            <translation>Knochen und Gefäße des Halses</translation>
        </message>
        <message>
            <source>Neck muscles</source>
            <translation>Halsmuskeln</translation>
        </message>
        <message>
            <source>Neck muscles on CT, two part models.</source>
            <translation>Halsmuskeln im CT, zwei Teilnetze.</translation>
        </message>
        <message>
            <source>Newer retraining of the CT whole-body task (organs, cardiac and muscle parts on 1830 subjects); label 26 is vertebrae_L6 instead of vertebrae_S1.</source>
            <translation>Neueres Training der Ganzkörper-Aufgabe für CT (Organe, Herz und Muskeln an 1830 Personen); Label 26 ist vertebrae_L6 statt vertebrae_S1.</translation>
        </message>
        <message>
            <source>Numbered vertebral bodies C1-L5 on CT with relabelling post-processing.</source>
            <translation>Nummerierte Wirbelkörper C1-L5 im CT, nachträglich der Reihe nach beschriftet.</translation>
        </message>
        <message>
            <source>Parts of the cerebral ventricles on CT; also feeds the Evans index.</source>
            <translation>Teile der Hirnventrikel im CT; auch Grundlage des Evans-Index.</translation>
        </message>
        <message>
            <source>Patella, lower leg, foot and forearm bones on MR.</source>
            <translation>Patella, Knochen von Unterschenkel, Fuß und Unterarm im MR.</translation>
        </message>
        <message>
            <source>Patella, lower leg, foot, forearm and hand bones on CT.</source>
            <translation>Patella, Knochen von Unterschenkel, Fuß, Unterarm und Hand im CT.</translation>
        </message>
        <message>
            <source>Pleural and pericardial effusion</source>
            <translation>Pleura- und Perikarderguss</translation>
        </message>
        <message>
            <source>Pleural and pericardial effusion on CT (plus lung/pleura label 1).</source>
            <translation>Pleura- und Perikarderguss im CT (dazu Lunge/Pleura als Label 1).</translation>
        </message>
        <message>
            <source>Pulmonary arteries, veins, airway lumen and airway wall on CT.</source>
            <translation>Pulmonalarterien, -venen, Lumen und Wand der Atemwege im CT.</translation>
        </message>
        <message>
            <source>Pulmonary artery landmarks</source>
            <translation>Landmarken der Pulmonalarterie</translation>
        </message>
        <message>
            <source>Renal arteries</source>
            <translation>Nierenarterien</translation>
        </message>
        <message>
            <source>Sacrum and individually numbered vertebrae on MR.</source>
            <translation>Kreuzbein und einzeln nummerierte Wirbel im MR.</translation>
        </message>
        <message>
            <source>Skin surface</source>
            <translation>Hautoberfläche</translation>
        </message>
        <message>
            <source>Skull, jaws and sinuses</source>
            <translation>Schädel, Kiefer und Nebenhöhlen</translation>
        </message>
        <message>
            <source>Subcutaneous fat, torso fat, skeletal muscle on CT.</source>
            <translation>Subkutanes Fett, Fett im Rumpf, Skelettmuskulatur im CT.</translation>
        </message>
        <message>
            <source>Subcutaneous fat, torso fat, skeletal muscle on MR (for Dixon: F image for fat, W image for muscle).</source>
            <translation>Subkutanes Fett, Fett im Rumpf, Skelettmuskulatur im MR (bei Dixon: F-Bild für Fett, W-Bild für Muskeln).</translation>
        </message>
        <message>
            <source>Subcutaneous fat, torso fat, skeletal muscle, intermuscular fat on CT.</source>
            <translation>Subkutanes Fett, Fett im Rumpf, Skelettmuskulatur, intermuskuläres Fett im CT.</translation>
        </message>
        <message>
            <source>Teeth</source>
            <translation>Zähne</translation>
        </message>
        <message>
            <source>The bundled small network. It only knows artificial phantoms like the bundled sample; on a real scan its labels mean nothing.</source>
            <translation>Das kleine mitgelieferte Netz. Es kennt nur künstliche Phantome wie das mitgelieferte Beispiel; auf einer echten Aufnahme bedeuten seine Labels nichts.</translation>
        </message>
        <message>
            <source>The closed outer surface of the body, filled. No network: a threshold against air.</source>
            <translation>Die geschlossene äußere Oberfläche des Körpers, gefüllt. Ohne Netz: ein Schwellenwert gegen Luft.</translation>
        </message>
        <message>
            <source>Thigh and shoulder muscles</source>
            <translation>Muskeln von Oberschenkel und Schulter</translation>
        </message>
        <message>
            <source>Thigh and shoulder muscles (MR)</source>
            <translation>Muskeln von Oberschenkel und Schulter (MR)</translation>
        </message>
        <message>
            <source>Thigh compartments and shoulder muscles on CT; same mixed CT/MR model as the _mr task.</source>
            <translation>Kompartimente des Oberschenkels und Schultermuskeln im CT; dasselbe Netz für CT und MR wie bei der Aufgabe mit _mr.</translation>
        </message>
        <message>
            <source>Thigh compartments and shoulder muscles on MR.</source>
            <translation>Kompartimente des Oberschenkels und Schultermuskeln im MR.</translation>
        </message>
        <message>
            <source>True and false aortic lumen; used by the aorta report on an already cropped image; five folds.</source>
            <translation>Wahres und falsches Lumen der Aorta; für den Aortenbericht, auf einem schon zugeschnittenen Bild; fünf Netze.</translation>
        </message>
        <message>
            <source>Trunk cavities</source>
            <translation>Körperhöhlen des Rumpfes</translation>
        </message>
        <message>
            <source>Trunk muscles</source>
            <translation>Rumpfmuskeln</translation>
        </message>
        <message>
            <source>Trunk wall and back muscles on CT; the model only labels the T4-L4 range.</source>
            <translation>Muskeln von Rumpfwand und Rücken im CT; das Netz kennt nur den Bereich von Th4 bis L4.</translation>
        </message>
        <message>
            <source>Vertebrae (MR)</source>
            <translation>Wirbel (MR)</translation>
        </message>
        <message>
            <source>Vertebrae, numbered in order</source>
            <translation>Wirbel, der Reihe nach nummeriert</translation>
        </message>
        <message>
            <source>Vertebrae, numbered in order, sharp borders</source>
            <translation>Wirbel, der Reihe nach nummeriert, scharfe Ränder</translation>
        </message>
        <message>
            <source>Vertebral bodies</source>
            <translation>Wirbelkörper</translation>
        </message>
        <message>
            <source>Whole body</source>
            <translation>Ganzer Körper</translation>
        </message>
        <message>
            <source>Whole body (MR)</source>
            <translation>Ganzer Körper (MR)</translation>
        </message>
        <message>
            <source>Whole body, version 3</source>
            <translation>Ganzer Körper, Version 3</translation>
        </message>
        <message>
            <source>Whole-body CT: 117 organs, bones, muscles and vessels. Five part models at 1.5 mm, or one model at 3 mm / 6 mm.</source>
            <translation>Ganzkörper-CT: 117 Organe, Knochen, Muskeln und Gefäße. Fünf Teilnetze bei 1,5 mm, oder ein Netz bei 3 mm / 6 mm.</translation>
        </message>
        <message>
            <source>Whole-body MR, any sequence: 50 organs, bones, muscles and vessels.</source>
            <translation>Ganzkörper-MR, jede Sequenz: 50 Organe, Knochen, Muskeln und Gefäße.</translation>
        </message>
        <message>
            <source>Your own network {dataset} ({trainer}, {plans}, {configuration}).</source>
            <translation>Ihr eigenes Netz {dataset} ({trainer}, {plans}, {configuration}).</translation>
        </message>
    </context>
    <context>
        <name>Telling</name>
        <message>
            <source>Show report</source>
            <translation>Bericht zeigen</translation>
        </message>
    </context>
    <context>
        <name>TermsDialog</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>I use it non-commercially</source>
            <translation>Ich nutze es nicht kommerziell</translation>
        </message>
        <message>
            <source>If you publish results, name them. For commercial use, ask them first.</source>
            <translation>Wenn Sie Ergebnisse veröffentlichen, nennen Sie die Herausgeber. Vor kommerzieller Nutzung fragen Sie sie.</translation>
        </message>
        <message>
            <source>Its makers share the network for research, teaching and other uses that are not meant to earn money.</source>
            <translation>Die Herausgeber stellen das Netz für Forschung, Lehre und andere Zwecke bereit, die nicht dem Gelderwerb dienen.</translation>
        </message>
        <message>
            <source>Read the licence: {name}</source>
            <translation>Lizenz lesen: {name}</translation>
        </message>
        <message>
            <source>Terms of use</source>
            <translation>Nutzungsbedingungen</translation>
        </message>
        <message>
            <source>To cite</source>
            <translation>Zu zitieren</translation>
        </message>
        <message>
            <source>You are asked once; the answer is kept in the settings.</source>
            <translation>Sie werden nur einmal gefragt; die Antwort steht in den Einstellungen.</translation>
        </message>
        <message>
            <source>{task} is for non-commercial use only</source>
            <translation>{task}: nur für nicht kommerzielle Nutzung</translation>
        </message>
    </context>
    <context>
        <name>ToolStrip</name>
        <message>
            <source>Across the view</source>
            <translation>Quer zum Blick</translation>
        </message>
        <message>
            <source>Axial, at the crosshair</source>
            <translation>Axial, am Fadenkreuz</translation>
        </message>
        <message>
            <source>Clip: cut away what lies before the crosshair</source>
            <translation>Schnitt: abschneiden, was vor dem Fadenkreuz liegt</translation>
        </message>
        <message>
            <source>Coronal, at the crosshair</source>
            <translation>Koronal, am Fadenkreuz</translation>
        </message>
        <message>
            <source>Fade: see through all but the selected structure</source>
            <translation>Blass: durch alles hindurchsehen außer durch die ausgewählte Struktur</translation>
        </message>
        <message>
            <source>From above (S)</source>
            <translation>Von oben (S)</translation>
        </message>
        <message>
            <source>From behind (P)</source>
            <translation>Von hinten (P)</translation>
        </message>
        <message>
            <source>From below (I)</source>
            <translation>Von unten (I)</translation>
        </message>
        <message>
            <source>From the front (A)</source>
            <translation>Von vorn (A)</translation>
        </message>
        <message>
            <source>From the patient's left (L)</source>
            <translation>Von links des Patienten (L)</translation>
        </message>
        <message>
            <source>From the patient's right (R)</source>
            <translation>Von rechts des Patienten (R)</translation>
        </message>
        <message>
            <source>Not clipped</source>
            <translation>Ohne Schnitt</translation>
        </message>
        <message>
            <source>Reset: everything in view, from the front</source>
            <translation>Zurücksetzen: alles im Blick, von vorn</translation>
        </message>
        <message>
            <source>Sagittal, at the crosshair</source>
            <translation>Sagittal, am Fadenkreuz</translation>
        </message>
        <message>
            <source>Skin: the body around the structures</source>
            <translation>Haut: der Körper um die Strukturen</translation>
        </message>
        <message>
            <source>Slices: the three slices in their place</source>
            <translation>Schichten: die drei Schichten an ihrem Ort</translation>
        </message>
        <message>
            <source>Turntable: turn the body slowly</source>
            <translation>Drehteller: den Körper langsam drehen</translation>
        </message>
    </context>
    <context>
        <name>TransferLine</name>
        <message>
            <source>All networks</source>
            <translation>Alle Netze</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Checking {name}</source>
            <translation>{name} wird geprüft</translation>
        </message>
        <message>
            <source>Downloads and imports</source>
            <translation>Downloads und Importe</translation>
        </message>
        <message>
            <source>Importing {name}</source>
            <translation>{name} wird importiert</translation>
        </message>
        <message>
            <source>Nothing of it is installed then</source>
            <translation>Nichts davon wird dann eingerichtet</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>Fortschritt</translation>
        </message>
        <message>
            <source>Show</source>
            <translation>Zeigen</translation>
        </message>
        <message>
            <source>Unpacking {name}</source>
            <translation>{name} wird entpackt</translation>
        </message>
    </context>
    <context>
        <name>VolumePicker</name>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Choose a volume</source>
            <translation>Volumen wählen</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Öffnen</translation>
        </message>
        <message>
            <source>This file holds {count} volumes, taken one after the other in time or with different settings.</source>
            <translation>Diese Datei enthält {count} Volumen, nacheinander oder mit verschiedenen Einstellungen aufgenommen.</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
        <message>
            <source>to {last}</source>
            <translation>bis {last}</translation>
        </message>
    </context>
    <context>
        <name>_DropZone</name>
        <message>
            <source>DICOM folder or zip, NIfTI, NRRD, MHA or MGZ</source>
            <translation>DICOM-Ordner oder Zip, NIfTI, NRRD, MHA oder MGZ</translation>
        </message>
        <message>
            <source>Drop a scan here</source>
            <translation>Aufnahme hier ablegen</translation>
        </message>
        <message>
            <source>Labels beside their scan, and zips with networks, may be dropped too.</source>
            <translation>Auch Segmentierungen mit ihrer Aufnahme und Zips mit Netzen dürfen abgelegt werden.</translation>
        </message>
    </context>
    <context>
        <name>reasons</name>
        <message>
            <source>--fast or --fastest</source>
            <translation>--fast oder --fastest</translation>
        </message>
        <message>
            <source>--label-formats dicom-seg</source>
            <translation>--label-formats dicom-seg</translation>
        </message>
        <message>
            <source>--meshes stl-ascii</source>
            <translation>--meshes stl-ascii</translation>
        </message>
        <message>
            <source>--meshes {0}</source>
            <translation>--meshes {0}</translation>
        </message>
        <message>
            <source>3D view</source>
            <translation>3D-Ansicht</translation>
        </message>
        <message>
            <source>Apple graphics</source>
            <translation>Apple-Grafik</translation>
        </message>
        <message>
            <source>DICOM RT structure set</source>
            <translation>DICOM-Struktursatz der Strahlentherapie</translation>
        </message>
        <message>
            <source>DICOM directory</source>
            <translation>DICOM-Verzeichnis</translation>
        </message>
        <message>
            <source>DICOM segmentation</source>
            <translation>DICOM-Segmentierung</translation>
        </message>
        <message>
            <source>DICOM structured report</source>
            <translation>strukturierter DICOM-Befund</translation>
        </message>
        <message>
            <source>FDM, nozzle {0} mm</source>
            <translation>FDM, Düse {0} mm</translation>
        </message>
        <message>
            <source>Laser sintering (SLS)</source>
            <translation>Lasersintern (SLS)</translation>
        </message>
        <message>
            <source>METADATA</source>
            <translation>METADATA</translation>
        </message>
        <message>
            <source>Material jetting (PolyJet)</source>
            <translation>Material Jetting (PolyJet)</translation>
        </message>
        <message>
            <source>NVIDIA graphics card</source>
            <translation>NVIDIA-Grafikkarte</translation>
        </message>
        <message>
            <source>OpenVINO does not compute it</source>
            <translation>OpenVINO berechnet es nicht</translation>
        </message>
        <message>
            <source>Resin</source>
            <translation>Harz</translation>
        </message>
        <message>
            <source>Resin (SLA, MSLA, DLP)</source>
            <translation>Harz (SLA, MSLA, DLP)</translation>
        </message>
        <message>
            <source>a label without a number</source>
            <translation>ein Label ohne Nummer</translation>
        </message>
        <message>
            <source>a number from {0} to {1}</source>
            <translation>eine Zahl von {0} bis {1}</translation>
        </message>
        <message>
            <source>a spacing of exactly 1 mm and an origin of 0 usually mean that the file knows neither</source>
            <translation>ein Abstand von genau 1 mm und ein Ursprung von 0 bedeuten meist, dass die Datei beides nicht kennt</translation>
        </message>
        <message>
            <source>a test network did not run ({0})</source>
            <translation>ein Probenetz lief nicht ({0})</translation>
        </message>
        <message>
            <source>a test network gave wrong results (off by {0})</source>
            <translation>ein Probenetz rechnete falsch (Abweichung {0})</translation>
        </message>
        <message>
            <source>all {0} lie in the same place</source>
            <translation>alle {0} liegen an derselben Stelle</translation>
        </message>
        <message>
            <source>another torch was loaded in their place</source>
            <translation>stattdessen wurde ein anderes torch geladen</translation>
        </message>
        <message>
            <source>any network</source>
            <translation>keinem Netz</translation>
        </message>
        <message>
            <source>at least one letter</source>
            <translation>mindestens ein Buchstabe</translation>
        </message>
        <message>
            <source>back</source>
            <translation>Rückseite</translation>
        </message>
        <message>
            <source>bottom</source>
            <translation>Unterseite</translation>
        </message>
        <message>
            <source>closing the window</source>
            <translation>Schließen des Fensters</translation>
        </message>
        <message>
            <source>code to be run while loading</source>
            <translation>Programmcode, der beim Laden ausgeführt würde</translation>
        </message>
        <message>
            <source>configuration {0} inherits from itself</source>
            <translation>die Konfiguration {0} erbt von sich selbst</translation>
        </message>
        <message>
            <source>cut</source>
            <translation>Zerschneiden</translation>
        </message>
        <message>
            <source>dataset.json</source>
            <translation>dataset.json</translation>
        </message>
        <message>
            <source>devices</source>
            <translation>Geräte</translation>
        </message>
        <message>
            <source>document</source>
            <translation>Dokument</translation>
        </message>
        <message>
            <source>each picture is a mosaic of many slices</source>
            <translation>jedes Bild ist ein Mosaik aus vielen Schichten</translation>
        </message>
        <message>
            <source>exit code {0}</source>
            <translation>Exit-Code {0}</translation>
        </message>
        <message>
            <source>export</source>
            <translation>Export</translation>
        </message>
        <message>
            <source>files</source>
            <translation>Dateien</translation>
        </message>
        <message>
            <source>fill-holes</source>
            <translation>Hohlräume füllen</translation>
        </message>
        <message>
            <source>fit-to-bed</source>
            <translation>Ins Druckbett einpassen</translation>
        </message>
        <message>
            <source>fold_0/checkpoint_final.pth</source>
            <translation>fold_0/checkpoint_final.pth</translation>
        </message>
        <message>
            <source>fonts, pictures and words</source>
            <translation>Schriften, Bilder und Texte</translation>
        </message>
        <message>
            <source>front</source>
            <translation>Vorderseite</translation>
        </message>
        <message>
            <source>hollow</source>
            <translation>Aushöhlen</translation>
        </message>
        <message>
            <source>it asks for {0}</source>
            <translation>es verlangt {0}</translation>
        </message>
        <message>
            <source>it cannot be read</source>
            <translation>sie ist nicht lesbar</translation>
        </message>
        <message>
            <source>it did not answer in time</source>
            <translation>keine rechtzeitige Antwort</translation>
        </message>
        <message>
            <source>it does not say of which type its voxels are</source>
            <translation>der Typ der Voxel ist nicht angegeben</translation>
        </message>
        <message>
            <source>it encloses {0} ml instead of {1} ml</source>
            <translation>sie umschließt {0} ml statt {1} ml</translation>
        </message>
        <message>
            <source>it ended with code {0}</source>
            <translation>sie endete mit Code {0}</translation>
        </message>
        <message>
            <source>it has no labels</source>
            <translation>es hat keine Labels</translation>
        </message>
        <message>
            <source>it has several layers or points in time</source>
            <translation>sie hat mehrere Lagen oder Zeitpunkte</translation>
        </message>
        <message>
            <source>it has {0} GB of memory, {1} are needed</source>
            <translation>sie hat {0} GB Speicher, nötig sind {1}</translation>
        </message>
        <message>
            <source>it has {0} edges of more than two triangles instead of {1}</source>
            <translation>sie hat {0} Kanten mit mehr als zwei Dreiecken statt {1}</translation>
        </message>
        <message>
            <source>it has {0} open edges instead of {1}</source>
            <translation>sie hat {0} offene Kanten statt {1}</translation>
        </message>
        <message>
            <source>it holds no certificates in PEM form</source>
            <translation>sie enthält keine Zertifikate in PEM-Form</translation>
        </message>
        <message>
            <source>it holds no triangles</source>
            <translation>sie enthält keine Dreiecke</translation>
        </message>
        <message>
            <source>it holds places that are no numbers</source>
            <translation>sie enthält Orte, die keine Zahlen sind</translation>
        </message>
        <message>
            <source>it holds {0} objects instead of {1}</source>
            <translation>sie enthält {0} Objekte statt {1}</translation>
        </message>
        <message>
            <source>it holds {0} triangles instead of {1}</source>
            <translation>sie enthält {0} Dreiecke statt {1}</translation>
        </message>
        <message>
            <source>it is a network for single slices (2D)</source>
            <translation>es ist ein Netz für einzelne Schichten (2D)</translation>
        </message>
        <message>
            <source>it is damaged</source>
            <translation>sie ist beschädigt</translation>
        </message>
        <message>
            <source>it is empty</source>
            <translation>sie ist leer</translation>
        </message>
        <message>
            <source>it is no image of a kind that labels come in</source>
            <translation>in diesem Bildformat gibt es keine Segmentierungen</translation>
        </message>
        <message>
            <source>it is no quicker here</source>
            <translation>es ist hier nicht schneller</translation>
        </message>
        <message>
            <source>it is not a list of layers</source>
            <translation>es ist keine Liste von Lagen</translation>
        </message>
        <message>
            <source>it is not there</source>
            <translation>es ist nicht da</translation>
        </message>
        <message>
            <source>it is the second stage of a cascade</source>
            <translation>es ist die zweite Stufe einer Kaskade</translation>
        </message>
        <message>
            <source>it lacks {0}</source>
            <translation>es fehlt {0}</translation>
        </message>
        <message>
            <source>it lies {0} mm elsewhere</source>
            <translation>sie liegt {0} mm anderswo</translation>
        </message>
        <message>
            <source>it needs {0} images at once ({1})</source>
            <translation>es braucht {0} Bilder zugleich ({1})</translation>
        </message>
        <message>
            <source>it stopped with: {0}</source>
            <translation>Abbruch mit: {0}</translation>
        </message>
        <message>
            <source>it would be {0} mm long</source>
            <translation>sie wäre {0} mm lang</translation>
        </message>
        <message>
            <source>its DICOM content is damaged</source>
            <translation>der DICOM-Inhalt ist beschädigt</translation>
        </message>
        <message>
            <source>its DICOM header is damaged</source>
            <translation>der DICOM-Header ist beschädigt</translation>
        </message>
        <message>
            <source>its arrays are damaged</source>
            <translation>die Arrays sind beschädigt</translation>
        </message>
        <message>
            <source>its checkpoint does not fit its plans</source>
            <translation>der Checkpoint passt nicht zu den Plänen</translation>
        </message>
        <message>
            <source>its checkpoint holds no network</source>
            <translation>der Checkpoint enthält kein Netz</translation>
        </message>
        <message>
            <source>its checkpoint is damaged</source>
            <translation>der Checkpoint ist beschädigt</translation>
        </message>
        <message>
            <source>its compression is damaged</source>
            <translation>die Kompression ist beschädigt</translation>
        </message>
        <message>
            <source>its configurations inherit from each other</source>
            <translation>die Konfigurationen erben voneinander</translation>
        </message>
        <message>
            <source>its header is damaged</source>
            <translation>der Header ist beschädigt</translation>
        </message>
        <message>
            <source>its header names layers it does not have</source>
            <translation>der Header nennt Lagen, die es nicht gibt</translation>
        </message>
        <message>
            <source>its header or its voxels are damaged</source>
            <translation>Header oder Voxel sind beschädigt</translation>
        </message>
        <message>
            <source>its image has no voxels</source>
            <translation>das Bild hat keine Voxel</translation>
        </message>
        <message>
            <source>its labels are not 0, 1, 2 and so on without gaps</source>
            <translation>die Labels sind nicht lückenlos 0, 1, 2 und so weiter</translation>
        </message>
        <message>
            <source>its labels go up to {0}, and 255 are possible</source>
            <translation>die Labels gehen bis {0}, möglich sind 255</translation>
        </message>
        <message>
            <source>its list of files cannot be read</source>
            <translation>die Dateiliste ist nicht lesbar</translation>
        </message>
        <message>
            <source>its list of files is missing</source>
            <translation>die Dateiliste fehlt</translation>
        </message>
        <message>
            <source>its numbers are not whole</source>
            <translation>die Werte sind keine ganzen Zahlen</translation>
        </message>
        <message>
            <source>its picture cannot be decoded</source>
            <translation>das Bild lässt sich nicht dekodieren</translation>
        </message>
        <message>
            <source>its picture has another size than stated</source>
            <translation>das Bild ist anders groß als angegeben</translation>
        </message>
        <message>
            <source>its picture is damaged</source>
            <translation>das Bild ist beschädigt</translation>
        </message>
        <message>
            <source>its pixels are not whole numbers of one channel</source>
            <translation>die Pixel sind keine ganzen Zahlen eines einzigen Kanals</translation>
        </message>
        <message>
            <source>its plans cannot be read ({0})</source>
            <translation>die Pläne sind nicht lesbar ({0})</translation>
        </message>
        <message>
            <source>its probabilities do not form layers of one image</source>
            <translation>die Wahrscheinlichkeiten ergeben keine Lagen eines Bildes</translation>
        </message>
        <message>
            <source>its resampling has another {0}</source>
            <translation>die Interpolation weicht bei {0} ab</translation>
        </message>
        <message>
            <source>its sform says {0}, its qform {1}</source>
            <translation>die sform sagt {0}, die qform {1}</translation>
        </message>
        <message>
            <source>its structures overlap, which was not expected</source>
            <translation>die Strukturen überlappen, was nicht erwartet war</translation>
        </message>
        <message>
            <source>its training made labels in a way of its own</source>
            <translation>das Training bildete die Labels auf eigene Art</translation>
        </message>
        <message>
            <source>its {0} GB do not fit in memory</source>
            <translation>{0} GB passen nicht in den Speicher</translation>
        </message>
        <message>
            <source>keep-largest</source>
            <translation>Größtes Stück behalten</translation>
        </message>
        <message>
            <source>label</source>
            <translation>Beschriftung</translation>
        </message>
        <message>
            <source>lay-flat</source>
            <translation>Flach legen</translation>
        </message>
        <message>
            <source>left</source>
            <translation>linke Seite</translation>
        </message>
        <message>
            <source>libraries</source>
            <translation>Bibliotheken</translation>
        </message>
        <message>
            <source>merge</source>
            <translation>Vereinigen</translation>
        </message>
        <message>
            <source>neither</source>
            <translation>keines von beiden</translation>
        </message>
        <message>
            <source>network libraries</source>
            <translation>Bibliotheken für Netze</translation>
        </message>
        <message>
            <source>no access</source>
            <translation>kein Zugriff</translation>
        </message>
        <message>
            <source>no card or no driver was found</source>
            <translation>keine Karte oder kein Treiber gefunden</translation>
        </message>
        <message>
            <source>no card was found</source>
            <translation>keine Karte gefunden</translation>
        </message>
        <message>
            <source>no chosen structure is in the label map</source>
            <translation>keine gewählte Struktur kommt in der Segmentierung vor</translation>
        </message>
        <message>
            <source>no structure has a surface</source>
            <translation>keine Struktur hat eine Oberfläche</translation>
        </message>
        <message>
            <source>no structure has any voxel</source>
            <translation>keine Struktur hat ein Voxel</translation>
        </message>
        <message>
            <source>no structure lies on the slices of the scan</source>
            <translation>keine Struktur liegt auf den Schichten der Aufnahme</translation>
        </message>
        <message>
            <source>no surface was chosen</source>
            <translation>keine Oberfläche wurde gewählt</translation>
        </message>
        <message>
            <source>none of the structures is in the label map</source>
            <translation>keine der Strukturen kommt in der Segmentierung vor</translation>
        </message>
        <message>
            <source>normal_ras must point somewhere, got 0, 0, 0</source>
            <translation>normal_ras muss eine Richtung haben und ist 0, 0, 0</translation>
        </message>
        <message>
            <source>not an order of three axes: {0}</source>
            <translation>keine Reihenfolge dreier Achsen: {0}</translation>
        </message>
        <message>
            <source>not available on this system</source>
            <translation>auf diesem System nicht verfügbar</translation>
        </message>
        <message>
            <source>nothing was chosen</source>
            <translation>nichts wurde gewählt</translation>
        </message>
        <message>
            <source>obsolete networks</source>
            <translation>veralteten Netzen</translation>
        </message>
        <message>
            <source>of the system</source>
            <translation>des Systems</translation>
        </message>
        <message>
            <source>off by {0}, {1} other labels</source>
            <translation>Abweichung {0}, {1} andere Labels</translation>
        </message>
        <message>
            <source>only {0} can be read</source>
            <translation>lesbar sind nur {0}</translation>
        </message>
        <message>
            <source>opening the sample</source>
            <translation>Öffnen des Beispiels</translation>
        </message>
        <message>
            <source>parametric map</source>
            <translation>parametrische Karte</translation>
        </message>
        <message>
            <source>picture of the window</source>
            <translation>Bild des Fensters</translation>
        </message>
        <message>
            <source>pictures of the kind {0}</source>
            <translation>Bilder der Art {0}</translation>
        </message>
        <message>
            <source>plate</source>
            <translation>Grundplatte</translation>
        </message>
        <message>
            <source>presentation state</source>
            <translation>Darstellungszustand</translation>
        </message>
        <message>
            <source>processor, {0} threads of {1} cores</source>
            <translation>Prozessor, {0} Threads auf {1} Kernen</translation>
        </message>
        <message>
            <source>radiotherapy dose map</source>
            <translation>Bestrahlungsdosis</translation>
        </message>
        <message>
            <source>radiotherapy object</source>
            <translation>Objekt der Strahlentherapie</translation>
        </message>
        <message>
            <source>radiotherapy plan</source>
            <translation>Bestrahlungsplan</translation>
        </message>
        <message>
            <source>radiotherapy structure set</source>
            <translation>Struktursatz der Strahlentherapie</translation>
        </message>
        <message>
            <source>registration</source>
            <translation>Registrierung</translation>
        </message>
        <message>
            <source>remove-islands</source>
            <translation>Inseln entfernen</translation>
        </message>
        <message>
            <source>report</source>
            <translation>Befund</translation>
        </message>
        <message>
            <source>right</source>
            <translation>rechte Seite</translation>
        </message>
        <message>
            <source>scale</source>
            <translation>Skalieren</translation>
        </message>
        <message>
            <source>secondary capture picture</source>
            <translation>Secondary-Capture-Bild</translation>
        </message>
        <message>
            <source>segmentation</source>
            <translation>Segmentierung</translation>
        </message>
        <message>
            <source>sheets of the surface meet in an edge or a point</source>
            <translation>Flächen treffen sich in einer Kante oder einem Punkt</translation>
        </message>
        <message>
            <source>some of its numbers cannot be labels</source>
            <translation>einige der Werte können keine Labels sein</translation>
        </message>
        <message>
            <source>stand</source>
            <translation>Ständer</translation>
        </message>
        <message>
            <source>structures must have names</source>
            <translation>Strukturen müssen Namen haben</translation>
        </message>
        <message>
            <source>struts</source>
            <translation>Streben</translation>
        </message>
        <message>
            <source>the .img file that belongs to it is missing</source>
            <translation>die zugehörige .img-Datei fehlt</translation>
        </message>
        <message>
            <source>the 3D view</source>
            <translation>3D-Ansicht</translation>
        </message>
        <message>
            <source>the MR task {0}</source>
            <translation>die MR-Aufgabe {0}</translation>
        </message>
        <message>
            <source>the body</source>
            <translation>Körper</translation>
        </message>
        <message>
            <source>the computer</source>
            <translation>des Computers</translation>
        </message>
        <message>
            <source>the drive gave an error</source>
            <translation>das Laufwerk meldete einen Fehler</translation>
        </message>
        <message>
            <source>the file with its voxels is missing or damaged</source>
            <translation>die Datei mit den Voxeln fehlt oder ist beschädigt</translation>
        </message>
        <message>
            <source>the font Inter</source>
            <translation>die Schrift Inter</translation>
        </message>
        <message>
            <source>the graphics card ({0})</source>
            <translation>der Grafikkarte ({0})</translation>
        </message>
        <message>
            <source>the import of {0}</source>
            <translation>den Import von {0}</translation>
        </message>
        <message>
            <source>the libraries fetched for it are not whole</source>
            <translation>die dafür geholten Bibliotheken sind nicht unversehrt</translation>
        </message>
        <message>
            <source>the libraries fetched for it belong to another version of this program</source>
            <translation>die dafür geholten Bibliotheken gehören zu einer anderen Version dieses Programms</translation>
        </message>
        <message>
            <source>the libraries fetched for it do not work ({0})</source>
            <translation>die dafür geholten Bibliotheken gehen nicht ({0})</translation>
        </message>
        <message>
            <source>the libraries fetched for it have not been tried yet</source>
            <translation>die dafür geholten Bibliotheken wurden noch nicht erprobt</translation>
        </message>
        <message>
            <source>the network class {0}</source>
            <translation>die Netzklasse {0}</translation>
        </message>
        <message>
            <source>the normalization {0}</source>
            <translation>die Normalisierung {0}</translation>
        </message>
        <message>
            <source>the operation {0}</source>
            <translation>die Operation {0}</translation>
        </message>
        <message>
            <source>the processor</source>
            <translation>der Prozessor</translation>
        </message>
        <message>
            <source>the resampling {0}</source>
            <translation>die Interpolation {0}</translation>
        </message>
        <message>
            <source>the slices of a CT rarely run from left to right</source>
            <translation>die Schichten eines CT verlaufen selten von links nach rechts</translation>
        </message>
        <message>
            <source>the surface is not closed</source>
            <translation>die Oberfläche ist nicht geschlossen</translation>
        </message>
        <message>
            <source>the surface runs through itself</source>
            <translation>die Oberfläche durchdringt sich selbst</translation>
        </message>
        <message>
            <source>the system's password store refused</source>
            <translation>der Passwortspeicher des Systems lehnte ab</translation>
        </message>
        <message>
            <source>the task total</source>
            <translation>die Aufgabe total</translation>
        </message>
        <message>
            <source>the task {0}</source>
            <translation>die Aufgabe {0}</translation>
        </message>
        <message>
            <source>the trial could not be started ({0})</source>
            <translation>die Probe ließ sich nicht starten ({0})</translation>
        </message>
        <message>
            <source>the window</source>
            <translation>Fenster</translation>
        </message>
        <message>
            <source>there is none</source>
            <translation>es gibt keine</translation>
        </message>
        <message>
            <source>they are damaged</source>
            <translation>sie sind beschädigt</translation>
        </message>
        <message>
            <source>they are shifted sideways against each other by up to {0} mm</source>
            <translation>sie sind um bis zu {0} mm seitlich gegeneinander verschoben</translation>
        </message>
        <message>
            <source>they belong to another frame of reference</source>
            <translation>sie gehören zu einem anderen Bezugssystem</translation>
        </message>
        <message>
            <source>thicken</source>
            <translation>Verdicken</translation>
        </message>
        <message>
            <source>this build of torch has no CUDA</source>
            <translation>dieses torch ist ohne CUDA gebaut</translation>
        </message>
        <message>
            <source>this processor has no bfloat16</source>
            <translation>dieser Prozessor hat kein bfloat16</translation>
        </message>
        <message>
            <source>top</source>
            <translation>Oberseite</translation>
        </message>
        <message>
            <source>triangles face inward</source>
            <translation>Dreiecke zeigen nach innen</translation>
        </message>
        <message>
            <source>triangles have no area or are there twice</source>
            <translation>Dreiecke haben keine Fläche oder kommen doppelt vor</translation>
        </message>
        <message>
            <source>two neighbours are {0} mm apart, most {1} mm</source>
            <translation>zwei Nachbarn liegen {0} mm auseinander, die meisten {1} mm</translation>
        </message>
        <message>
            <source>two of its regions have the same label, or one has none</source>
            <translation>zwei der Bereiche haben dasselbe Label, oder einer hat keines</translation>
        </message>
        <message>
            <source>window</source>
            <translation>Fenster</translation>
        </message>
        <message>
            <source>window system</source>
            <translation>Fenstersystem</translation>
        </message>
        <message>
            <source>words of the language {0}</source>
            <translation>Texte der Sprache {0}</translation>
        </message>
        <message>
            <source>{0} cannot be read ({1})</source>
            <translation>{0} ist nicht lesbar ({1})</translation>
        </message>
        <message>
            <source>{0} does not undo {1}</source>
            <translation>{0} kehrt {1} nicht um</translation>
        </message>
        <message>
            <source>{0} has no surface</source>
            <translation>{0} hat keine Oberfläche</translation>
        </message>
        <message>
            <source>{0} is a file, not a folder</source>
            <translation>{0} ist eine Datei, kein Ordner</translation>
        </message>
        <message>
            <source>{0} is empty</source>
            <translation>{0} ist leer</translation>
        </message>
        <message>
            <source>{0} is missing</source>
            <translation>{0} fehlt</translation>
        </message>
        <message>
            <source>{0} is not a number</source>
            <translation>{0} ist keine Zahl</translation>
        </message>
        <message>
            <source>{0} is not a table</source>
            <translation>{0} ist keine Tabelle</translation>
        </message>
        <message>
            <source>{0} is not in its list</source>
            <translation>{0} steht nicht in der Liste</translation>
        </message>
        <message>
            <source>{0} is not known</source>
            <translation>{0} ist nicht bekannt</translation>
        </message>
        <message>
            <source>{0} is not of the kind {1}</source>
            <translation>{0} ist nicht von der Art {1}</translation>
        </message>
        <message>
            <source>{0} is not three numbers</source>
            <translation>{0} sind nicht drei Zahlen</translation>
        </message>
        <message>
            <source>{0} is not what was packed</source>
            <translation>{0} ist nicht, was gepackt wurde</translation>
        </message>
        <message>
            <source>{0} may not be changed</source>
            <translation>{0} darf nicht geändert werden</translation>
        </message>
        <message>
            <source>{0} must be from {1} to {2}, got {3}</source>
            <translation>{0} muss zwischen {1} und {2} liegen und ist {3}</translation>
        </message>
        <message>
            <source>{0} must be one of {1}, got {2}</source>
            <translation>{0} muss eines von {1} sein und ist {2}</translation>
        </message>
        <message>
            <source>{0} must be three numbers, got {1}</source>
            <translation>{0} muss aus drei Zahlen bestehen und ist {1}</translation>
        </message>
        <message>
            <source>{0} must have 1 to {1} letters, got {2}</source>
            <translation>{0} muss 1 bis {1} Zeichen haben und hat {2}</translation>
        </message>
        <message>
            <source>{0} regions, but {1} labels for them</source>
            <translation>{0} Bereiche, aber {1} Labels dafür</translation>
        </message>
    </context>
    <context>
        <name>settings</name>
        <message>
            <source>Address that networks are downloaded from; empty for their makers' release page</source>
            <translation>Adresse, von der Netze heruntergeladen werden; leer für die Seite der Herausgeber</translation>
        </message>
        <message>
            <source>Appearance</source>
            <translation>Aussehen</translation>
        </message>
        <message>
            <source>Certificates</source>
            <translation>Zertifikate</translation>
        </message>
        <message>
            <source>Coordinates of exported meshes</source>
            <translation>Koordinaten exportierter Oberflächen</translation>
        </message>
        <message>
            <source>Dark, light, or as the desktop is</source>
            <translation>Dunkel, hell, oder wie der Desktop</translation>
        </message>
        <message>
            <source>Download address</source>
            <translation>Download-Adresse</translation>
        </message>
        <message>
            <source>Draft first</source>
            <translation>Entwurf zuerst</translation>
        </message>
        <message>
            <source>File of certificates to trust besides the system's, in PEM form</source>
            <translation>Datei mit Zertifikaten, denen neben denen des Systems vertraut wird, in PEM-Form</translation>
        </message>
        <message>
            <source>Folder of networks; empty for the program's own data folder</source>
            <translation>Ordner der Netze; leer für den Datenordner des Programms</translation>
        </message>
        <message>
            <source>Keep labels on this computer, so that the same run of the same scan is shown at once; off removes them</source>
            <translation>Labels auf diesem Computer aufheben, damit dieselbe Berechnung derselben Aufnahme sofort gezeigt wird; aus entfernt sie</translation>
        </message>
        <message>
            <source>Keep results</source>
            <translation>Ergebnisse aufheben</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Sprache</translation>
        </message>
        <message>
            <source>Language of the window; changes when the program starts again</source>
            <translation>Sprache des Fensters; wechselt, wenn das Programm neu startet</translation>
        </message>
        <message>
            <source>Mesh coordinates</source>
            <translation>Koordinaten der Oberflächen</translation>
        </message>
        <message>
            <source>Mouse</source>
            <translation>Maus</translation>
        </message>
        <message>
            <source>Networks folder</source>
            <translation>Ordner der Netze</translation>
        </message>
        <message>
            <source>Proxy</source>
            <translation>Proxy</translation>
        </message>
        <message>
            <source>Proxy for downloads, as http://host:port; empty for the system's</source>
            <translation>Proxy für Downloads, als http://host:port; leer für den des Systems</translation>
        </message>
        <message>
            <source>Radiological: the patient's right is on the left of the picture</source>
            <translation>Radiologisch: rechts des Patienten ist links im Bild</translation>
        </message>
        <message>
            <source>Runs on</source>
            <translation>Rechnet auf</translation>
        </message>
        <message>
            <source>Show a quick draft while the full result is computed</source>
            <translation>Einen schnellen Entwurf zeigen, während das volle Ergebnis berechnet wird</translation>
        </message>
        <message>
            <source>Slices</source>
            <translation>Schichten</translation>
        </message>
        <message>
            <source>What dragging with the left button does in slices: move the crosshair, or change brightness and contrast</source>
            <translation>Was Ziehen mit der linken Taste in Schichten tut: das Fadenkreuz bewegen, oder Helligkeit und Kontrast ändern</translation>
        </message>
        <message>
            <source>Where networks run: auto, cpu, gpu, gpu:N or mps</source>
            <translation>Wo Netze rechnen: auto, cpu, gpu, gpu:N oder mps</translation>
        </message>
    </context>
    <context>
        <name>words</name>
        <message>
            <source>A closed cavity keeps resin or powder inside: choose wider holes.</source>
            <translation>Ein geschlossener Hohlraum hält Harz oder Pulver zurück: wählen Sie weitere Löcher.</translation>
        </message>
        <message>
            <source>A file of the format {format} holds one object only.</source>
            <translation>Eine Datei im Format {format} enthält nur ein Objekt.</translation>
        </message>
        <message>
            <source>A firewall may block it: ask your IT, or download it on another computer and drop the zip on the window.</source>
            <translation>Vielleicht sperrt es eine Firewall: fragen Sie Ihre IT, oder laden Sie das Zip auf einem anderen Computer und legen Sie es auf dem Fenster ab.</translation>
        </message>
        <message>
            <source>A firewall may block it: ask your IT, or set the address of a copy inside your network.</source>
            <translation>Vielleicht sperrt es eine Firewall: fragen Sie Ihre IT, oder geben Sie die Adresse einer Kopie in Ihrem Netzwerk an.</translation>
        </message>
        <message>
            <source>A label map holds whole numbers from 0 to 65535; anything else opens as a scan.</source>
            <translation>Eine Segmentierung besteht aus ganzen Zahlen von 0 bis 65535; alles andere öffnet sich als Aufnahme.</translation>
        </message>
        <message>
            <source>A network is a zip or folder Dataset... with plans.json, dataset.json and checkpoints inside.</source>
            <translation>Ein Netz ist ein Zip oder Ordner Dataset... mit plans.json, dataset.json und Checkpoints darin.</translation>
        </message>
        <message>
            <source>A newer version of this program may be needed. Everything works on the processor as well.</source>
            <translation>Vielleicht ist eine neuere Version dieses Programms nötig. Auf dem Prozessor geht alles ebenso.</translation>
        </message>
        <message>
            <source>A newer version of this program may know where it is now.</source>
            <translation>Eine neuere Version dieses Programms weiß vielleicht, wo es jetzt ist.</translation>
        </message>
        <message>
            <source>A scan needs at least 2 voxels in every direction.</source>
            <translation>Eine Aufnahme braucht in jeder Richtung mindestens 2 Voxel.</translation>
        </message>
        <message>
            <source>A sign-in page may have answered instead of the server: open the address in a browser, then try again.</source>
            <translation>Vielleicht hat eine Anmeldeseite statt des Servers geantwortet: öffnen Sie die Adresse in einem Browser, dann versuchen Sie es erneut.</translation>
        </message>
        <message>
            <source>A web page answered instead of {host}, perhaps the login page of this network.</source>
            <translation>Statt {host} hat eine Webseite geantwortet, vielleicht die Anmeldeseite dieses Netzwerks.</translation>
        </message>
        <message>
            <source>Add a base plate before it, or choose a side.</source>
            <translation>Fügen Sie davor eine Grundplatte ein, oder wählen Sie eine Seite.</translation>
        </message>
        <message>
            <source>Add it, or leave {option} out.</source>
            <translation>Ergänzen Sie das, oder lassen Sie {option} weg.</translation>
        </message>
        <message>
            <source>Add the ending to the name.</source>
            <translation>Ergänzen Sie die Endung.</translation>
        </message>
        <message>
            <source>All triangles face outward.</source>
            <translation>Alle Dreiecke zeigen nach außen.</translation>
        </message>
        <message>
            <source>Allow an error of some hundredths of a mm to save triangles.</source>
            <translation>Erlauben Sie eine Abweichung von einigen Hundertstel mm, um Dreiecke einzusparen.</translation>
        </message>
        <message>
            <source>Allow longer rods, or remove islands.</source>
            <translation>Erlauben Sie längere Streben, oder entfernen Sie Inseln.</translation>
        </message>
        <message>
            <source>Ask for access, or copy it to a folder of your own.</source>
            <translation>Bitten Sie um Zugriff, oder kopieren Sie es in einen eigenen Ordner.</translation>
        </message>
        <message>
            <source>Ask your IT; a proxy that wants a name and password is written as http://name:password@host:port in Preferences, Proxy.</source>
            <translation>Fragen Sie Ihre IT; ein Proxy mit Name und Passwort steht als http://name:password@host:port unter Einstellungen, Proxy.</translation>
        </message>
        <message>
            <source>Change that step.</source>
            <translation>Ändern Sie diesen Schritt.</translation>
        </message>
        <message>
            <source>Check it for typing mistakes, or get another one.</source>
            <translation>Prüfen Sie sie auf Tippfehler, oder fordern Sie eine andere an.</translation>
        </message>
        <message>
            <source>Check left and right before you trust labels.</source>
            <translation>Prüfen Sie links und rechts, bevor Sie den Strukturen trauen.</translation>
        </message>
        <message>
            <source>Check left and right, and that the head is up, before you trust labels.</source>
            <translation>Prüfen Sie links und rechts, und ob der Kopf oben ist, bevor Sie den Strukturen trauen.</translation>
        </message>
        <message>
            <source>Check that the scan shows it.</source>
            <translation>Prüfen Sie, ob die Aufnahme das zeigt.</translation>
        </message>
        <message>
            <source>Check the data folder's permissions.</source>
            <translation>Prüfen Sie die Rechte des Datenordners.</translation>
        </message>
        <message>
            <source>Check the download address in the preferences.</source>
            <translation>Prüfen Sie die Download-Adresse in den Einstellungen.</translation>
        </message>
        <message>
            <source>Check the internet connection, and the proxy in the preferences; what has arrived is kept.</source>
            <translation>Prüfen Sie die Internetverbindung und den Proxy in den Einstellungen; was angekommen ist, bleibt.</translation>
        </message>
        <message>
            <source>Check the path, or copy it to a folder of your own.</source>
            <translation>Prüfen Sie den Pfad, oder kopieren Sie es in einen eigenen Ordner.</translation>
        </message>
        <message>
            <source>Check the path, or whether the drive is still connected.</source>
            <translation>Prüfen Sie den Pfad, und ob das Laufwerk noch verbunden ist.</translation>
        </message>
        <message>
            <source>Check the permissions of the folder for networks, and that no run is using it.</source>
            <translation>Prüfen Sie die Rechte des Ordners der Netze, und ob keine Berechnung es benutzt.</translation>
        </message>
        <message>
            <source>Check the permissions of the program's data folder.</source>
            <translation>Prüfen Sie die Rechte des Datenordners des Programms.</translation>
        </message>
        <message>
            <source>Check the permissions of the settings' folder.</source>
            <translation>Prüfen Sie die Rechte des Ordners der Einstellungen.</translation>
        </message>
        <message>
            <source>Check the unit of the scan, or the scale.</source>
            <translation>Prüfen Sie die Einheit der Aufnahme oder die Skalierung.</translation>
        </message>
        <message>
            <source>Choose NIfTI, or open the DICOM series.</source>
            <translation>Wählen Sie NIfTI, oder öffnen Sie die DICOM-Serie.</translation>
        </message>
        <message>
            <source>Choose NIfTI, which holds what is open.</source>
            <translation>Wählen Sie NIfTI; das enthält, was offen ist.</translation>
        </message>
        <message>
            <source>Choose NIfTI.</source>
            <translation>Wählen Sie NIfTI.</translation>
        </message>
        <message>
            <source>Choose a file in PEM form in Preferences, Certificates.</source>
            <translation>Wählen Sie eine Datei in PEM-Form unter Einstellungen, Zertifikate.</translation>
        </message>
        <message>
            <source>Choose a file that the print studio saved.</source>
            <translation>Wählen Sie eine Datei, die das Druckstudio gespeichert hat.</translation>
        </message>
        <message>
            <source>Choose a folder you may write to and with room for it.</source>
            <translation>Wählen Sie einen Ordner, in den Sie schreiben dürfen, mit genug Platz.</translation>
        </message>
        <message>
            <source>Choose a folder you may write to in the preferences.</source>
            <translation>Wählen Sie in den Einstellungen einen Ordner, in den Sie schreiben dürfen.</translation>
        </message>
        <message>
            <source>Choose a printer, or enter the size of its bed.</source>
            <translation>Wählen Sie einen Drucker, oder geben Sie die Größe des Druckbetts ein.</translation>
        </message>
        <message>
            <source>Choose a series of parallel slices; this may be a localizer or a set of views.</source>
            <translation>Wählen Sie eine Serie paralleler Schichten; diese ist vielleicht ein Localizer oder eine Reihe einzelner Ansichten.</translation>
        </message>
        <message>
            <source>Choose a series whose slices are alike.</source>
            <translation>Wählen Sie eine Serie mit gleichen Schichten.</translation>
        </message>
        <message>
            <source>Choose a series with more slices; this may be a localizer.</source>
            <translation>Wählen Sie eine Serie mit mehr Schichten; diese ist vielleicht ein Localizer.</translation>
        </message>
        <message>
            <source>Choose a task for {scan}, for example {better}.</source>
            <translation>Wählen Sie eine Aufgabe für {scan}, zum Beispiel {better}.</translation>
        </message>
        <message>
            <source>Choose a thinner wall.</source>
            <translation>Wählen Sie eine dünnere Wand.</translation>
        </message>
        <message>
            <source>Choose a volume that exists.</source>
            <translation>Wählen Sie ein Volumen, das es gibt.</translation>
        </message>
        <message>
            <source>Choose a zip or folder from somewhere else.</source>
            <translation>Wählen Sie ein Zip oder einen Ordner von anderswo.</translation>
        </message>
        <message>
            <source>Choose another name, or allow overwriting (--overwrite).</source>
            <translation>Wählen Sie einen anderen Namen, oder erlauben Sie das Überschreiben (--overwrite).</translation>
        </message>
        <message>
            <source>Choose another name, such as study7-003.</source>
            <translation>Wählen Sie einen anderen Namen, etwa study7-003.</translation>
        </message>
        <message>
            <source>Choose another one, in the window or with --series.</source>
            <translation>Eine andere wählen Sie im Fenster oder mit --series.</translation>
        </message>
        <message>
            <source>Choose another one, in the window or with --volume-index.</source>
            <translation>Ein anderes wählen Sie im Fenster oder mit --volume-index.</translation>
        </message>
        <message>
            <source>Choose another series, or export this one again.</source>
            <translation>Wählen Sie eine andere Serie, oder exportieren Sie diese noch einmal.</translation>
        </message>
        <message>
            <source>Choose another way to mend it.</source>
            <translation>Wählen Sie eine andere Art der Reparatur.</translation>
        </message>
        <message>
            <source>Choose fewer structures, or the label map form.</source>
            <translation>Wählen Sie weniger Strukturen, oder die Form als Labelmap.</translation>
        </message>
        <message>
            <source>Choose less smoothing, or leave out the last step.</source>
            <translation>Wählen Sie weniger Glättung, oder lassen Sie den letzten Schritt weg.</translation>
        </message>
        <message>
            <source>Choose more or narrower holes.</source>
            <translation>Wählen Sie mehr oder engere Löcher.</translation>
        </message>
        <message>
            <source>Choose narrower holes.</source>
            <translation>Wählen Sie engere Löcher.</translation>
        </message>
        <message>
            <source>Choose networks that are on this computer.</source>
            <translation>Wählen Sie Netze, die auf diesem Computer sind.</translation>
        </message>
        <message>
            <source>Choose one of: {choices}.</source>
            <translation>Wählen Sie eine von: {choices}.</translation>
        </message>
        <message>
            <source>Choose other structures, or change that step.</source>
            <translation>Wählen Sie andere Strukturen, oder ändern Sie diesen Schritt.</translation>
        </message>
        <message>
            <source>Choose slices of one acquisition.</source>
            <translation>Wählen Sie Schichten einer einzigen Akquisition.</translation>
        </message>
        <message>
            <source>Choose smaller letters, a shorter text, another side, or the plate.</source>
            <translation>Wählen Sie eine kleinere Schrift, einen kürzeren Text, eine andere Seite oder die Platte.</translation>
        </message>
        <message>
            <source>Choose structures that are in the label map.</source>
            <translation>Wählen Sie Strukturen, die in der Segmentierung vorkommen.</translation>
        </message>
        <message>
            <source>Choose structures that are there.</source>
            <translation>Wählen Sie Strukturen, die es hier gibt.</translation>
        </message>
        <message>
            <source>Choose the folder with one NIfTI file per structure.</source>
            <translation>Wählen Sie den Ordner mit einer NIfTI-Datei je Struktur.</translation>
        </message>
        <message>
            <source>Choose the folder with the image files; reports, plans and segmentations are not scans.</source>
            <translation>Wählen Sie den Ordner mit den Bilddateien; Befunde, Pläne und Segmentierungen sind keine Aufnahmen.</translation>
        </message>
        <message>
            <source>Choose the folder with the scan's files.</source>
            <translation>Wählen Sie den Ordner mit den Dateien der Aufnahme.</translation>
        </message>
        <message>
            <source>Choose the original CT or MR series.</source>
            <translation>Wählen Sie die ursprüngliche CT- oder MR-Serie.</translation>
        </message>
        <message>
            <source>Choose the original series, without text in its pictures.</source>
            <translation>Wählen Sie die ursprüngliche Serie, ohne Text in den Bildern.</translation>
        </message>
        <message>
            <source>Choose the whole series of slices.</source>
            <translation>Wählen Sie die ganze Serie von Schichten.</translation>
        </message>
        <message>
            <source>Choose the zip named Dataset... from the same page.</source>
            <translation>Wählen Sie das Zip namens Dataset... von derselben Seite.</translation>
        </message>
        <message>
            <source>Choose the zip of a network, or the folder it was unpacked to.</source>
            <translation>Wählen Sie das Zip eines Netzes, oder den Ordner, in den es entpackt wurde.</translation>
        </message>
        <message>
            <source>Choose the zip of the network alone.</source>
            <translation>Wählen Sie das Zip mit dem Netz allein.</translation>
        </message>
        <message>
            <source>Choose the zip of {folder}.</source>
            <translation>Wählen Sie das Zip von {folder}.</translation>
        </message>
        <message>
            <source>Choose thinner pins or another place for the cut.</source>
            <translation>Wählen Sie dünnere Zapfen oder einen anderen Ort für den Schnitt.</translation>
        </message>
        <message>
            <source>Choosing structures works for: {tasks}.</source>
            <translation>Strukturen wählen kann man bei: {tasks}.</translation>
        </message>
        <message>
            <source>Close other programs and check again; where that does not help, please report this.</source>
            <translation>Schließen Sie andere Programme und prüfen Sie noch einmal; hilft das nicht, melden Sie dies bitte.</translation>
        </message>
        <message>
            <source>Close other programs, choose fewer structures or a faster quality, or run on the CPU.</source>
            <translation>Schließen Sie andere Programme, wählen Sie weniger Strukturen oder eine schnellere Qualität, oder rechnen Sie auf der CPU.</translation>
        </message>
        <message>
            <source>Closed cavities inside, which keep resin or powder: {cavities}.</source>
            <translation>Geschlossene Hohlräume im Inneren, die Harz oder Pulver zurückhalten: {cavities}.</translation>
        </message>
        <message>
            <source>Confirm it in the window, or with: tsdesktop license accept {task}</source>
            <translation>Bestätigen Sie es im Fenster oder mit: tsdesktop license accept {task}</translation>
        </message>
        <message>
            <source>Connect them with struts, or keep the largest.</source>
            <translation>Verbinden Sie sie mit Streben, oder behalten Sie das größte.</translation>
        </message>
        <message>
            <source>Convert it again with its position and spacing.</source>
            <translation>Wandeln Sie es noch einmal um, mit Lage und Abständen.</translation>
        </message>
        <message>
            <source>Copy or download it again, or convert it to NIfTI.</source>
            <translation>Kopieren oder laden Sie es noch einmal, oder wandeln Sie es in NIfTI um.</translation>
        </message>
        <message>
            <source>Copy or download it again.</source>
            <translation>Kopieren oder laden Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Copy the whole series again.</source>
            <translation>Kopieren Sie die ganze Serie noch einmal.</translation>
        </message>
        <message>
            <source>Correct the address of the package index, or leave it out.</source>
            <translation>Berichtigen Sie die Adresse des Paketverzeichnisses, oder lassen Sie sie weg.</translation>
        </message>
        <message>
            <source>Correct the value, or save the recipe again.</source>
            <translation>Berichtigen Sie den Wert, oder speichern Sie das Rezept noch einmal.</translation>
        </message>
        <message>
            <source>DICOM files with {name} cannot be decoded: no decoder of it can be loaded.</source>
            <translation>DICOM-Dateien mit {name} lassen sich nicht dekodieren: kein Decoder dafür lässt sich laden.</translation>
        </message>
        <message>
            <source>Did you mean {near}? Without --structures all are printed.</source>
            <translation>Meinten Sie {near}? Ohne --structures werden alle gedruckt.</translation>
        </message>
        <message>
            <source>Did you mean {near}? `tsdesktop info {task}` lists all.</source>
            <translation>Meinten Sie {near}? `tsdesktop info {task}` zählt alle auf.</translation>
        </message>
        <message>
            <source>Did you mean {near}? `tsdesktop info` lists all.</source>
            <translation>Meinten Sie {near}? `tsdesktop info` zählt alle auf.</translation>
        </message>
        <message>
            <source>Do not use it on patients' scans.</source>
            <translation>Verwenden Sie es nicht für Aufnahmen von Patienten.</translation>
        </message>
        <message>
            <source>Download it again, or unpack it yourself.</source>
            <translation>Laden Sie es noch einmal, oder entpacken Sie es selbst.</translation>
        </message>
        <message>
            <source>Download it in the window, or with `{command}`. Without internet: get {zip_name} from {url} on another computer and unpack it in {place}.</source>
            <translation>Laden Sie es im Fenster herunter oder mit `{command}`. Ohne Internet: holen Sie {zip_name} auf einem anderen Computer von {url} und entpacken Sie es in {place}.</translation>
        </message>
        <message>
            <source>Download or copy it again.</source>
            <translation>Laden oder kopieren Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Ears, teeth, skull and implants were not changed.</source>
            <translation>Ohren, Zähne, Schädel und Implantate wurden nicht verändert.</translation>
        </message>
        <message>
            <source>Enter one in the window or with `tsdesktop license set -`; for non-commercial use it is free.</source>
            <translation>Geben Sie eine im Fenster oder mit `tsdesktop license set -` ein; für nicht kommerzielle Nutzung ist sie kostenlos.</translation>
        </message>
        <message>
            <source>Enter the number: `tsdesktop license set -`.</source>
            <translation>Geben Sie die Nummer ein: `tsdesktop license set -`.</translation>
        </message>
        <message>
            <source>Every edge joins two triangles, and every point one sheet.</source>
            <translation>Jede Kante verbindet zwei Dreiecke, und an jedem Punkt liegt nur eine Fläche.</translation>
        </message>
        <message>
            <source>Every triangle has three corners, and none is there twice.</source>
            <translation>Jedes Dreieck hat drei Ecken, und keines kommt doppelt vor.</translation>
        </message>
        <message>
            <source>Everything fits on the bed ({bed} mm) at its own size.</source>
            <translation>Alles passt in eigener Größe auf das Druckbett ({bed} mm).</translation>
        </message>
        <message>
            <source>Everything was scaled to {percent} % to fit on the bed ({bed} mm).</source>
            <translation>Alles wurde auf {percent} % skaliert, damit es auf das Druckbett passt ({bed} mm).</translation>
        </message>
        <message>
            <source>Everything works on the processor as well.</source>
            <translation>Auf dem Prozessor geht alles ebenso.</translation>
        </message>
        <message>
            <source>Export it uncompressed from the archive.</source>
            <translation>Exportieren Sie es unkomprimiert aus dem Archiv.</translation>
        </message>
        <message>
            <source>Export the magnitude image and open that.</source>
            <translation>Exportieren Sie das Betragsbild und öffnen Sie dieses.</translation>
        </message>
        <message>
            <source>Export the scan again.</source>
            <translation>Exportieren Sie die Aufnahme noch einmal.</translation>
        </message>
        <message>
            <source>Export the series with image position and orientation.</source>
            <translation>Exportieren Sie die Serie mit Lage und Orientierung der Bilder.</translation>
        </message>
        <message>
            <source>Export them again on the slices of the scan.</source>
            <translation>Exportieren Sie sie noch einmal, auf den Schichten der Aufnahme.</translation>
        </message>
        <message>
            <source>Fetch it again; nothing of it was installed.</source>
            <translation>Holen Sie es noch einmal; nichts davon wurde eingerichtet.</translation>
        </message>
        <message>
            <source>Fetch them: `tsdesktop runtime install`.</source>
            <translation>Holen Sie sie: `tsdesktop runtime install`.</translation>
        </message>
        <message>
            <source>Files of {name} were left out ({count}): {reason}.</source>
            <translation>Dateien von {name} wurden weggelassen ({count}): {reason}.</translation>
        </message>
        <message>
            <source>Fill the cavities, or hollow it with drain holes.</source>
            <translation>Füllen Sie die Hohlräume, oder höhlen Sie es mit Ablauflöchern aus.</translation>
        </message>
        <message>
            <source>Fill the holes.</source>
            <translation>Schließen Sie die Löcher.</translation>
        </message>
        <message>
            <source>Free some space and run again.</source>
            <translation>Schaffen Sie Platz und rechnen Sie noch einmal.</translation>
        </message>
        <message>
            <source>Free some space, or choose another networks folder in the preferences.</source>
            <translation>Schaffen Sie Platz, oder wählen Sie in den Einstellungen einen anderen Ordner der Netze.</translation>
        </message>
        <message>
            <source>Free some space, then go on.</source>
            <translation>Schaffen Sie Platz, dann machen Sie weiter.</translation>
        </message>
        <message>
            <source>Free some space, then go on; what has arrived is kept.</source>
            <translation>Schaffen Sie Platz, dann machen Sie weiter; was angekommen ist, bleibt.</translation>
        </message>
        <message>
            <source>Get a licence number ({url}), then download it in the window, or with `{command}`. Without internet: bring its folder from another computer to {place}.</source>
            <translation>Fordern Sie eine Lizenznummer an ({url}), dann laden Sie es im Fenster herunter oder mit `{command}`. Ohne Internet: bringen Sie seinen Ordner von einem anderen Computer nach {place}.</translation>
        </message>
        <message>
            <source>Get it again, or from another source.</source>
            <translation>Holen Sie es noch einmal, oder aus einer anderen Quelle.</translation>
        </message>
        <message>
            <source>Get it again.</source>
            <translation>Holen Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Get it first, or leave it out.</source>
            <translation>Holen Sie es zuerst, oder lassen Sie es weg.</translation>
        </message>
        <message>
            <source>Get the network the task names now.</source>
            <translation>Holen Sie das Netz, das die Aufgabe jetzt nennt.</translation>
        </message>
        <message>
            <source>Give the file another name and pack it again.</source>
            <translation>Geben Sie der Datei einen anderen Namen und packen Sie das Zip noch einmal.</translation>
        </message>
        <message>
            <source>If they differ, choose one acquisition.</source>
            <translation>Wenn sie sich unterscheiden, wählen Sie eine einzige Akquisition.</translation>
        </message>
        <message>
            <source>Install a newer driver from NVIDIA, then look again.</source>
            <translation>Installieren Sie einen neueren Treiber von NVIDIA, dann suchen Sie erneut.</translation>
        </message>
        <message>
            <source>Install the program again and update the graphics driver; where that does not help, please report this.</source>
            <translation>Installieren Sie das Programm noch einmal und aktualisieren Sie den Grafiktreiber; hilft das nicht, melden Sie dies bitte.</translation>
        </message>
        <message>
            <source>Install the program again.</source>
            <translation>Installieren Sie das Programm noch einmal.</translation>
        </message>
        <message>
            <source>Install the system's package that holds {file}.</source>
            <translation>Installieren Sie das Paket des Systems, das {file} enthält.</translation>
        </message>
        <message>
            <source>Intensities from {low} to {high} are unlikely Hounsfield units.</source>
            <translation>Intensitäten von {low} bis {high} sind kaum Hounsfield-Einheiten.</translation>
        </message>
        <message>
            <source>Intensities lie between {low} and {high}: they cannot be Hounsfield units.</source>
            <translation>Die Intensitäten liegen zwischen {low} und {high}: das können keine Hounsfield-Einheiten sein.</translation>
        </message>
        <message>
            <source>It could not be stored that the terms are accepted: {reason}.</source>
            <translation>Die Zustimmung zu den Bedingungen konnte nicht gespeichert werden: {reason}.</translation>
        </message>
        <message>
            <source>It differs from the label map by {volume_percent} % of volume; 95 % lie within {p95_mm} mm, all within {largest_mm} mm.</source>
            <translation>Abweichung von der Segmentierung: {volume_percent} % des Volumens; 95 % liegen innerhalb von {p95_mm} mm, alles innerhalb von {largest_mm} mm.</translation>
        </message>
        <message>
            <source>It is another network under the same name; get the published one.</source>
            <translation>Es ist ein anderes Netz unter demselben Namen; holen Sie das veröffentlichte.</translation>
        </message>
        <message>
            <source>It is in {pieces} pieces, which print as separate bodies.</source>
            <translation>Es besteht aus {pieces} Stücken, die einzeln gedruckt werden.</translation>
        </message>
        <message>
            <source>It is in {pieces} pieces, {small} of them smaller than {percent} % of the largest.</source>
            <translation>Es besteht aus {pieces} Stücken, {small} davon kleiner als {percent} % des größten.</translation>
        </message>
        <message>
            <source>It is one piece.</source>
            <translation>Es ist ein Stück.</translation>
        </message>
        <message>
            <source>It is {x_mm} x {y_mm} x {z_mm} mm and fits the {bed} only when it is turned over.</source>
            <translation>Es misst {x_mm} x {y_mm} x {z_mm} mm und passt nur gekippt ({bed}).</translation>
        </message>
        <message>
            <source>It is {x_mm} x {y_mm} x {z_mm} mm and fits the {bed}.</source>
            <translation>Es misst {x_mm} x {y_mm} x {z_mm} mm und passt ({bed}).</translation>
        </message>
        <message>
            <source>It is {x_mm} x {y_mm} x {z_mm} mm, too large for the {bed} ({bed_mm} mm).</source>
            <translation>Es misst {x_mm} x {y_mm} x {z_mm} mm, zu groß für {bed} ({bed_mm} mm).</translation>
        </message>
        <message>
            <source>It is {x_mm} x {y_mm} x {z_mm} mm; no printer is chosen.</source>
            <translation>Es misst {x_mm} x {y_mm} x {z_mm} mm; kein Drucker ist gewählt.</translation>
        </message>
        <message>
            <source>It reads NIfTI, DICOM (folder, zip or file), NRRD, MHA/MHD and MGZ.</source>
            <translation>Es liest NIfTI, DICOM (Ordner, Zip oder Datei), NRRD, MHA/MHD und MGZ.</translation>
        </message>
        <message>
            <source>It starts with aca_ and has 14 more characters.</source>
            <translation>Sie beginnt mit aca_, danach kommen 14 Zeichen.</translation>
        </message>
        <message>
            <source>It was computed in single precision, which takes longer.</source>
            <translation>Gerechnet wurde mit einfacher Genauigkeit; das dauert länger.</translation>
        </message>
        <message>
            <source>It was not said what to print, or where to.</source>
            <translation>Es fehlt die Angabe, was gedruckt wird, oder wohin.</translation>
        </message>
        <message>
            <source>Its longest side is {longest_mm} mm, which is unlikely for lengths in mm.</source>
            <translation>Die längste Seite misst {longest_mm} mm, was für Längen in mm unwahrscheinlich ist.</translation>
        </message>
        <message>
            <source>Its volume cannot be told.</source>
            <translation>Das Volumen lässt sich nicht bestimmen.</translation>
        </message>
        <message>
            <source>Join what overlaps and smooth what folds.</source>
            <translation>Vereinigen Sie, was sich überlappt, und glätten Sie, was sich faltet.</translation>
        </message>
        <message>
            <source>Keep one of them and pack it again.</source>
            <translation>Behalten Sie eines davon und packen Sie das Zip noch einmal.</translation>
        </message>
        <message>
            <source>Keep {stem}.json or {stem}.pkl beside it; where only a part of the scan was computed, open the label map.</source>
            <translation>Lassen Sie {stem}.json oder {stem}.pkl daneben liegen; wo nur ein Teil der Aufnahme berechnet wurde, öffnen Sie die Segmentierung.</translation>
        </message>
        <message>
            <source>Labels are right, it takes longer.</source>
            <translation>Die Ergebnisse stimmen, es dauert länger.</translation>
        </message>
        <message>
            <source>Labels are right, it takes longer. A newer driver may help.</source>
            <translation>Die Ergebnisse stimmen, es dauert länger. Ein neuerer Treiber kann helfen.</translation>
        </message>
        <message>
            <source>Lay it flat.</source>
            <translation>Legen Sie es flach.</translation>
        </message>
        <message>
            <source>Leave one of them out.</source>
            <translation>Lassen Sie eines davon weg.</translation>
        </message>
        <message>
            <source>Lengths are in mm.</source>
            <translation>Längen sind in mm.</translation>
        </message>
        <message>
            <source>Look at every slice before you share them.</source>
            <translation>Sehen Sie jede Schicht an, bevor Sie sie weitergeben.</translation>
        </message>
        <message>
            <source>Look at the result before you share it.</source>
            <translation>Sehen Sie das Ergebnis an, bevor Sie es weitergeben.</translation>
        </message>
        <message>
            <source>Look at the scan before you share it.</source>
            <translation>Sehen Sie die Aufnahme an, bevor Sie sie weitergeben.</translation>
        </message>
        <message>
            <source>Make or copy it again.</source>
            <translation>Packen oder kopieren Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Make the surface again, with less smoothing.</source>
            <translation>Berechnen Sie die Oberfläche noch einmal, mit weniger Glättung.</translation>
        </message>
        <message>
            <source>Mend the surface first.</source>
            <translation>Reparieren Sie zuerst die Oberfläche.</translation>
        </message>
        <message>
            <source>Missing slices ({missing}) were filled in from their neighbours.</source>
            <translation>Fehlende Schichten ({missing}) wurden aus ihren Nachbarn ergänzt.</translation>
        </message>
        <message>
            <source>More than a twentieth of the walls are thinner than {limit_mm} mm ({process}): the thinnest is {wall_mm} mm.</source>
            <translation>Mehr als ein Zwanzigstel der Wände ist dünner als {limit_mm} mm ({process}): die dünnste misst {wall_mm} mm.</translation>
        </message>
        <message>
            <source>NVIDIA's driver is installed, but it finds no card.</source>
            <translation>Der Treiber von NVIDIA ist installiert, findet aber keine Karte.</translation>
        </message>
        <message>
            <source>Name a label map or the folder of a run, and the folder to write to with -o.</source>
            <translation>Nennen Sie eine Segmentierung oder den Ordner einer Berechnung, und mit -o den Ordner für die Dateien.</translation>
        </message>
        <message>
            <source>Name tasks or dataset folders; `--help` shows what else can be asked for.</source>
            <translation>Nennen Sie Aufgaben oder Ordner von Datensätzen; `--help` zeigt, was sonst möglich ist.</translation>
        </message>
        <message>
            <source>Networks compute wrongly on this computer: please report this.</source>
            <translation>Netze rechnen auf diesem Computer falsch: bitte melden Sie das.</translation>
        </message>
        <message>
            <source>Networks for CT expect Hounsfield units; open the original CT.</source>
            <translation>Netze für CT erwarten Hounsfield-Einheiten; öffnen Sie das ursprüngliche CT.</translation>
        </message>
        <message>
            <source>Networks for CT expect air at about -1000 and water at 0.</source>
            <translation>Netze für CT erwarten Luft bei etwa -1000 und Wasser bei 0.</translation>
        </message>
        <message>
            <source>Networks run on the processor. A newer driver may help; then check again.</source>
            <translation>Netze rechnen auf dem Prozessor. Vielleicht hilft ein neuerer Treiber; prüfen Sie dann noch einmal.</translation>
        </message>
        <message>
            <source>Networks run on the processor: slower, same labels.</source>
            <translation>Netze rechnen auf dem Prozessor: langsamer, mit gleichen Ergebnissen.</translation>
        </message>
        <message>
            <source>Networks that run here look at one 3D image, in one stage.</source>
            <translation>Netze, die hier rechnen, sehen ein 3D-Bild an, in einer Stufe.</translation>
        </message>
        <message>
            <source>No TotalSegmentator on this computer has a licence number.</source>
            <translation>Kein TotalSegmentator auf diesem Computer hat eine Lizenznummer.</translation>
        </message>
        <message>
            <source>No driver for an NVIDIA graphics card was found on this computer.</source>
            <translation>Auf diesem Computer wurde kein Treiber für eine NVIDIA-Grafikkarte gefunden.</translation>
        </message>
        <message>
            <source>No encrypted connection to {host} can be made.</source>
            <translation>Zu {host} ist keine verschlüsselte Verbindung möglich.</translation>
        </message>
        <message>
            <source>No head with a face was found, nothing was removed.</source>
            <translation>Kein Kopf mit Gesicht wurde gefunden, nichts wurde entfernt.</translation>
        </message>
        <message>
            <source>No libraries for the graphics card are installed.</source>
            <translation>Keine Bibliotheken für die Grafikkarte sind installiert.</translation>
        </message>
        <message>
            <source>No task was named.</source>
            <translation>Keine Aufgabe wurde genannt.</translation>
        </message>
        <message>
            <source>No wall is thin.</source>
            <translation>Keine Wand ist dünn.</translation>
        </message>
        <message>
            <source>Not all triangles face outward: {edges} edges at which they disagree, {pieces} pieces inside out.</source>
            <translation>Nicht alle Dreiecke zeigen nach außen: {edges} Kanten, an denen sie sich widersprechen, {pieces} umgestülpte Stücke.</translation>
        </message>
        <message>
            <source>Not downloaded: {folders}.</source>
            <translation>Nicht heruntergeladen: {folders}.</translation>
        </message>
        <message>
            <source>Not imported: {names}.</source>
            <translation>Nicht importiert: {names}.</translation>
        </message>
        <message>
            <source>Not whole: {folders}.</source>
            <translation>Nicht unversehrt: {folders}.</translation>
        </message>
        <message>
            <source>Nothing is left to print after the step {step}.</source>
            <translation>Nach diesem Schritt bleibt nichts zu drucken: {step}.</translation>
        </message>
        <message>
            <source>Nothing needs to be done.</source>
            <translation>Es ist nichts zu tun.</translation>
        </message>
        <message>
            <source>Nothing of {names} is on this computer.</source>
            <translation>Von {names} ist nichts auf diesem Computer.</translation>
        </message>
        <message>
            <source>Nothing of {name} is left after the step {step}.</source>
            <translation>Von {name} bleibt nach diesem Schritt nichts: {step}.</translation>
        </message>
        <message>
            <source>Nothing says how large the bed is.</source>
            <translation>Die Größe des Druckbetts ist nicht bekannt.</translation>
        </message>
        <message>
            <source>Nothing was installed. A newer version of this program may be needed.</source>
            <translation>Nichts wurde installiert. Vielleicht ist eine neuere Version dieses Programms nötig.</translation>
        </message>
        <message>
            <source>Nothing would be left of {name}.</source>
            <translation>Von {name} bliebe nichts.</translation>
        </message>
        <message>
            <source>Open any page in a browser, log in to the network, then try again.</source>
            <translation>Öffnen Sie eine beliebige Seite in einem Browser, melden Sie sich im Netzwerk an, dann versuchen Sie es erneut.</translation>
        </message>
        <message>
            <source>Open it as a scan.</source>
            <translation>Öffnen Sie es als Aufnahme.</translation>
        </message>
        <message>
            <source>Open it beside its scan in the window, and print it there or export it as NIfTI.</source>
            <translation>Öffnen Sie es mit seiner Aufnahme im Fenster, und drucken Sie es dort oder exportieren Sie es als NIfTI.</translation>
        </message>
        <message>
            <source>Open the label map of that run.</source>
            <translation>Öffnen Sie die Segmentierung dieser Berechnung.</translation>
        </message>
        <message>
            <source>Open the scan it was made from, then the label map.</source>
            <translation>Öffnen Sie die Aufnahme, aus der es entstand, dann die Segmentierung.</translation>
        </message>
        <message>
            <source>Open the scan the labels were made from.</source>
            <translation>Öffnen Sie die Aufnahme, aus der die Segmentierung entstand.</translation>
        </message>
        <message>
            <source>Open the series again, or write NIfTI or NRRD instead.</source>
            <translation>Öffnen Sie die Serie noch einmal, oder schreiben Sie NIfTI oder NRRD.</translation>
        </message>
        <message>
            <source>Open the series of images it was made from.</source>
            <translation>Öffnen Sie die Bildserie, aus der es entstand.</translation>
        </message>
        <message>
            <source>OpenVINO did not compute {network} as torch does ({reason}), so torch computes it.</source>
            <translation>OpenVINO hat {network} anders berechnet als torch ({reason}), darum berechnet es torch.</translation>
        </message>
        <message>
            <source>Pack it again with another program, or unpack it and choose the folder.</source>
            <translation>Packen Sie es mit einem anderen Programm noch einmal, oder entpacken Sie es und wählen Sie den Ordner.</translation>
        </message>
        <message>
            <source>Pack it again with the files themselves, or choose the folder.</source>
            <translation>Packen Sie es mit den Dateien selbst noch einmal, oder wählen Sie den Ordner.</translation>
        </message>
        <message>
            <source>Pack it again.</source>
            <translation>Packen Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Please report this with the log.</source>
            <translation>Bitte melden Sie das mit dem Protokoll.</translation>
        </message>
        <message>
            <source>Please report this.</source>
            <translation>Bitte melden Sie das.</translation>
        </message>
        <message>
            <source>Points and open lines are not labels; choose another structure set.</source>
            <translation>Punkte und offene Linien sind keine Segmentierung; wählen Sie einen anderen Struktursatz.</translation>
        </message>
        <message>
            <source>Put them back, or write NIfTI or NRRD instead.</source>
            <translation>Legen Sie sie zurück, oder schreiben Sie NIfTI oder NRRD.</translation>
        </message>
        <message>
            <source>Remove islands before if these are specks.</source>
            <translation>Entfernen Sie vorher Inseln, wenn das nur Krümel sind.</translation>
        </message>
        <message>
            <source>Remove it there: {place}.</source>
            <translation>Entfernen Sie es dort: {place}.</translation>
        </message>
        <message>
            <source>Remove the small ones.</source>
            <translation>Entfernen Sie die kleinen.</translation>
        </message>
        <message>
            <source>Remove them and fetch them again.</source>
            <translation>Entfernen Sie sie und holen Sie sie noch einmal.</translation>
        </message>
        <message>
            <source>Remove them.</source>
            <translation>Entfernen Sie sie.</translation>
        </message>
        <message>
            <source>Restart the computer, or install the driver again.</source>
            <translation>Starten Sie den Computer neu, oder installieren Sie den Treiber noch einmal.</translation>
        </message>
        <message>
            <source>Results lie on the upright grid.</source>
            <translation>Ergebnisse liegen auf dem aufrechten Gitter.</translation>
        </message>
        <message>
            <source>Run it without that option.</source>
            <translation>Rechnen Sie ohne diese Option.</translation>
        </message>
        <message>
            <source>Save one three-dimensional volume and open that.</source>
            <translation>Speichern Sie ein dreidimensionales Volumen und öffnen Sie dieses.</translation>
        </message>
        <message>
            <source>Save the recipe again.</source>
            <translation>Speichern Sie das Rezept noch einmal.</translation>
        </message>
        <message>
            <source>Scale it to the bed, or cut it.</source>
            <translation>Passen Sie es in das Druckbett ein, oder zerschneiden Sie es.</translation>
        </message>
        <message>
            <source>Separate the sheets.</source>
            <translation>Trennen Sie die Flächen.</translation>
        </message>
        <message>
            <source>Slices are missing from {name} ({missing}), with a gap of {gap_mm} mm.</source>
            <translation>In {name} fehlen Schichten ({missing}), mit einer Lücke von {gap_mm} mm.</translation>
        </message>
        <message>
            <source>Slices are unevenly spaced ({least_mm} to {most_mm} mm); they were resampled to {spacing_mm} mm.</source>
            <translation>Die Schichten haben ungleiche Abstände ({least_mm} bis {most_mm} mm); sie wurden auf {spacing_mm} mm umgerechnet.</translation>
        </message>
        <message>
            <source>Slices are {spacing_mm} mm thick: small structures may be missing.</source>
            <translation>Die Schichten sind {spacing_mm} mm dick: kleine Strukturen können fehlen.</translation>
        </message>
        <message>
            <source>Slices came twice ({count}); the first of each was kept.</source>
            <translation>Schichten kamen doppelt vor ({count}); jeweils die erste wurde behalten.</translation>
        </message>
        <message>
            <source>Smooth less, or allow a smaller error.</source>
            <translation>Glätten Sie weniger, oder erlauben Sie eine kleinere Abweichung.</translation>
        </message>
        <message>
            <source>Something on the way changes it: try another network, or get the zip on another computer and drop it here.</source>
            <translation>Etwas auf dem Weg verändert es: versuchen Sie ein anderes Netzwerk, oder laden Sie das Zip auf einem anderen Computer und legen Sie es hier ab.</translation>
        </message>
        <message>
            <source>Something on the way changes it: try another network.</source>
            <translation>Etwas auf dem Weg verändert es: versuchen Sie ein anderes Netzwerk.</translation>
        </message>
        <message>
            <source>Something on the way may block it: try another network, or ask your IT.</source>
            <translation>Vielleicht sperrt es etwas auf dem Weg: versuchen Sie ein anderes Netzwerk, oder fragen Sie Ihre IT.</translation>
        </message>
        <message>
            <source>Split it into several files.</source>
            <translation>Teilen Sie es in mehrere Dateien.</translation>
        </message>
        <message>
            <source>Steps are: {known}.</source>
            <translation>Schritte sind: {known}.</translation>
        </message>
        <message>
            <source>Structures near them may be wrong.</source>
            <translation>Strukturen in ihrer Nähe können falsch sein.</translation>
        </message>
        <message>
            <source>Text in the pixels was not looked for.</source>
            <translation>Nach Text in den Bildern wurde nicht gesucht.</translation>
        </message>
        <message>
            <source>The DICOM files of {name} are not those that were opened, so a {what} cannot refer to them.</source>
            <translation>Die DICOM-Dateien von {name} sind nicht mehr die geöffneten, darum ist kein Verweis auf sie möglich ({what}).</translation>
        </message>
        <message>
            <source>The DICOM files of {name} lack identifiers that a {what} must refer to ({missing}).</source>
            <translation>Den DICOM-Dateien von {name} fehlen Kennungen ({missing}), auf die verwiesen werden muss ({what}).</translation>
        </message>
        <message>
            <source>The DICOM files of {name}, to which a {what} refers, cannot be found or read any more.</source>
            <translation>Die DICOM-Dateien von {name}, auf die verwiesen wird, sind nicht mehr zu finden oder zu lesen ({what}).</translation>
        </message>
        <message>
            <source>The STL file that was written encloses {found} ml instead of {expected} ml.</source>
            <translation>Die geschriebene STL-Datei umschließt {found} ml statt {expected} ml.</translation>
        </message>
        <message>
            <source>The STL file that was written is not closed: {count} edges lack a triangle.</source>
            <translation>Die geschriebene STL-Datei ist nicht geschlossen: an {count} Kanten fehlt ein Dreieck.</translation>
        </message>
        <message>
            <source>The address of the licence server in {variable} is not an encrypted one.</source>
            <translation>Die Adresse des Lizenzservers in {variable} ist nicht verschlüsselt.</translation>
        </message>
        <message>
            <source>The bundle cannot be made: {folder} is not on this computer.</source>
            <translation>Das Paket lässt sich nicht packen: {folder} ist nicht auf diesem Computer.</translation>
        </message>
        <message>
            <source>The bundle would be empty.</source>
            <translation>Das Paket wäre leer.</translation>
        </message>
        <message>
            <source>The certificate file {name} cannot be used: {reason}.</source>
            <translation>Die Zertifikatsdatei {name} ist nicht benutzbar: {reason}.</translation>
        </message>
        <message>
            <source>The certificate of {host} is not trusted.</source>
            <translation>Dem Zertifikat von {host} wird nicht vertraut.</translation>
        </message>
        <message>
            <source>The computation could not be started: {reason}.</source>
            <translation>Die Berechnung konnte nicht gestartet werden: {reason}.</translation>
        </message>
        <message>
            <source>The computation ended unexpectedly (exit code {code}).</source>
            <translation>Die Berechnung endete unerwartet (Exit-Code {code}).</translation>
        </message>
        <message>
            <source>The computation failed: {reason}.</source>
            <translation>Die Berechnung schlug fehl: {reason}.</translation>
        </message>
        <message>
            <source>The connection to {host} broke off again and again.</source>
            <translation>Die Verbindung zu {host} brach immer wieder ab.</translation>
        </message>
        <message>
            <source>The crop found nothing of {what}, so the result is empty.</source>
            <translation>Der Zuschnitt fand nichts ({what}), darum ist das Ergebnis leer.</translation>
        </message>
        <message>
            <source>The demo network found {found} ml of {what} in the sample instead of {expected} ml.</source>
            <translation>Das Demonstrationsnetz fand im Beispiel {found} ml statt {expected} ml ({what}).</translation>
        </message>
        <message>
            <source>The demo network only knows artificial phantoms.</source>
            <translation>Das Demonstrationsnetz kennt nur künstliche Phantome.</translation>
        </message>
        <message>
            <source>The disk is full.</source>
            <translation>Der Datenträger ist voll.</translation>
        </message>
        <message>
            <source>The driver of {card} is too old (CUDA {cuda}).</source>
            <translation>Der Treiber von {card} ist zu alt (CUDA {cuda}).</translation>
        </message>
        <message>
            <source>The face was found by the network of the task {task}.</source>
            <translation>Das Gesicht wurde mit dem Netz der Aufgabe {task} gefunden.</translation>
        </message>
        <message>
            <source>The face was found from the skin of the head: the network of the task {task} found none.</source>
            <translation>Das Gesicht wurde nach der Haut des Kopfes gefunden: das Netz der Aufgabe {task} fand keines.</translation>
        </message>
        <message>
            <source>The face was found from the skin of the head: the network of the task {task} is not on this computer.</source>
            <translation>Das Gesicht wurde nach der Haut des Kopfes gefunden: das Netz der Aufgabe {task} ist nicht auf diesem Computer.</translation>
        </message>
        <message>
            <source>The face was kept, as you chose.</source>
            <translation>Das Gesicht blieb erhalten, wie von Ihnen gewählt.</translation>
        </message>
        <message>
            <source>The face was taken from the open labels.</source>
            <translation>Das Gesicht stammt aus der offenen Segmentierung.</translation>
        </message>
        <message>
            <source>The file does not say whether it is CT or MR; {guess} was assumed.</source>
            <translation>Die Datei sagt nicht, ob sie CT oder MR ist; angenommen wurde: {guess}.</translation>
        </message>
        <message>
            <source>The file does not state the patient's orientation; the voxel order was taken as {axes}.</source>
            <translation>Die Datei nennt die Orientierung des Patienten nicht; die Voxelfolge wurde als {axes} verstanden.</translation>
        </message>
        <message>
            <source>The file holds {count} volumes; volume {index} was opened.</source>
            <translation>Die Datei enthält {count} Volumen; geöffnet wurde Volumen {index}.</translation>
        </message>
        <message>
            <source>The folder {place} cannot be written: {reason}.</source>
            <translation>In den Ordner {place} lässt sich nicht schreiben: {reason}.</translation>
        </message>
        <message>
            <source>The gantry was tilted by {degrees} degrees; the slices were resampled upright.</source>
            <translation>Die Gantry war um {degrees} Grad gekippt; die Schichten wurden aufrecht neu berechnet.</translation>
        </message>
        <message>
            <source>The holes of {name} could not be closed without the surface running through itself.</source>
            <translation>Die Löcher von {name} ließen sich nicht schließen, ohne dass sich die Oberfläche selbst durchdringt.</translation>
        </message>
        <message>
            <source>The label has characters that the font does not have: {letters}.</source>
            <translation>Die Beschriftung enthält Zeichen, die die Schrift nicht hat: {letters}.</translation>
        </message>
        <message>
            <source>The label has no letters.</source>
            <translation>Die Beschriftung ist leer.</translation>
        </message>
        <message>
            <source>The label map has no structure named {name}.</source>
            <translation>Die Segmentierung hat keine Struktur namens {name}.</translation>
        </message>
        <message>
            <source>The label map has {count} structures; this format holds {most}.</source>
            <translation>Die Segmentierung hat {count} Strukturen; dieses Format fasst {most}.</translation>
        </message>
        <message>
            <source>The label {text} has no plate to stand on.</source>
            <translation>Für die Beschriftung {text} gibt es keine Platte.</translation>
        </message>
        <message>
            <source>The label {text} is {depth_mm} mm deep instead of {asked_mm} mm, so that half of the wall is left.</source>
            <translation>Die Beschriftung {text} ist {depth_mm} mm tief statt {asked_mm} mm, damit die halbe Wand bleibt.</translation>
        </message>
        <message>
            <source>The labels of {name} do not lie on parallel planes.</source>
            <translation>Die Segmentierung in {name} liegt nicht auf parallelen Ebenen.</translation>
        </message>
        <message>
            <source>The letters of the label {text} are {height_mm} mm tall instead of {asked_mm} mm, so that it fits.</source>
            <translation>Die Schrift von {text} ist {height_mm} mm hoch statt {asked_mm} mm, damit sie passt.</translation>
        </message>
        <message>
            <source>The libraries could not be removed: {reason}.</source>
            <translation>Die Bibliotheken ließen sich nicht entfernen: {reason}.</translation>
        </message>
        <message>
            <source>The libraries for the graphics card are not whole: {member}.</source>
            <translation>Die Bibliotheken für die Grafikkarte sind nicht unversehrt: {member}.</translation>
        </message>
        <message>
            <source>The libraries were fetched, but the graphics card does not work with them: {reason}.</source>
            <translation>Die Bibliotheken wurden geholt, aber die Grafikkarte rechnet nicht damit: {reason}.</translation>
        </message>
        <message>
            <source>The library {name} cannot be loaded: {reason}.</source>
            <translation>Die Bibliothek {name} lässt sich nicht laden: {reason}.</translation>
        </message>
        <message>
            <source>The library {name} is not installed.</source>
            <translation>Die Bibliothek {name} ist nicht installiert.</translation>
        </message>
        <message>
            <source>The licence number could not be read: the system's password store is locked.</source>
            <translation>Die Lizenznummer konnte nicht gelesen werden: der Passwortspeicher des Systems ist gesperrt.</translation>
        </message>
        <message>
            <source>The licence number could not be removed: {reason}.</source>
            <translation>Die Lizenznummer konnte nicht entfernt werden: {reason}.</translation>
        </message>
        <message>
            <source>The licence number could not be stored: {reason}.</source>
            <translation>Die Lizenznummer konnte nicht gespeichert werden: {reason}.</translation>
        </message>
        <message>
            <source>The licence server rejected the licence number.</source>
            <translation>Der Lizenzserver hat die Lizenznummer abgelehnt.</translation>
        </message>
        <message>
            <source>The licensed network {folder} is not on this computer.</source>
            <translation>Das lizenzierte Netz {folder} ist nicht auf diesem Computer.</translation>
        </message>
        <message>
            <source>The memory of {device} did not suffice.</source>
            <translation>Der Speicher {device} reichte nicht.</translation>
        </message>
        <message>
            <source>The network {folder} asks for {what}, which this program does not run.</source>
            <translation>Das Netz {folder} verlangt {what}; das führt dieses Programm nicht aus.</translation>
        </message>
        <message>
            <source>The network {folder} belongs to another program and is only read here.</source>
            <translation>Das Netz {folder} gehört einem anderen Programm und wird hier nur gelesen.</translation>
        </message>
        <message>
            <source>The network {folder} cannot be run here: {reason}.</source>
            <translation>Das Netz {folder} kann hier nicht rechnen: {reason}.</translation>
        </message>
        <message>
            <source>The network {folder} finds {found} structures where a network of that name finds {wanted}.</source>
            <translation>Das Netz {folder} findet {found} Strukturen, ein Netz dieses Namens aber {wanted}.</translation>
        </message>
        <message>
            <source>The network {folder} is broken: {reason}.</source>
            <translation>Das Netz {folder} ist defekt: {reason}.</translation>
        </message>
        <message>
            <source>The network {folder} is broken: {what} is not as it was installed.</source>
            <translation>Das Netz {folder} ist defekt: {what} ist nicht mehr, wie es eingerichtet wurde.</translation>
        </message>
        <message>
            <source>The network {folder} is incomplete: {what} is missing.</source>
            <translation>Das Netz {folder} ist unvollständig: {what} fehlt.</translation>
        </message>
        <message>
            <source>The network {folder} is not on this computer.</source>
            <translation>Das Netz {folder} ist nicht auf diesem Computer.</translation>
        </message>
        <message>
            <source>The network {folder} was replaced by a newer one and is not used any more.</source>
            <translation>Das Netz {folder} wurde durch ein neueres ersetzt und wird nicht mehr benutzt.</translation>
        </message>
        <message>
            <source>The networks folder {place} cannot be written: {reason}.</source>
            <translation>In den Ordner der Netze {place} lässt sich nicht schreiben: {reason}.</translation>
        </message>
        <message>
            <source>The picture of {what} stays empty.</source>
            <translation>Das Bild bleibt leer: {what}.</translation>
        </message>
        <message>
            <source>The pictures were captured from a screen or are of a kind that often names the patient in the picture.</source>
            <translation>Die Bilder stammen von einem Bildschirm oder sind von einer Art, die oft den Namen des Patienten im Bild zeigt.</translation>
        </message>
        <message>
            <source>The plane does not meet {count} of {all} parts; they stay whole.</source>
            <translation>Die Ebene trifft {count} von {all} Teilen nicht; sie bleiben ganz.</translation>
        </message>
        <message>
            <source>The plane does not meet {name}, so it stays whole.</source>
            <translation>Die Ebene trifft {name} nicht; dieses Teil bleibt ganz.</translation>
        </message>
        <message>
            <source>The program ended unexpectedly at this step: {what} ({how}).</source>
            <translation>Das Programm endete unerwartet bei diesem Schritt: {what} ({how}).</translation>
        </message>
        <message>
            <source>The proxy refuses to connect to {host}.</source>
            <translation>Der Proxy weigert sich, zu {host} zu verbinden.</translation>
        </message>
        <message>
            <source>The proxy {proxy} cannot be used.</source>
            <translation>Der Proxy {proxy} ist nicht benutzbar.</translation>
        </message>
        <message>
            <source>The same command tries again and goes on where it stopped.</source>
            <translation>Derselbe Befehl versucht es erneut und macht dort weiter, wo er stehen blieb.</translation>
        </message>
        <message>
            <source>The same run was done before; its result is shown.</source>
            <translation>Dieselbe Berechnung gab es schon einmal; ihr Ergebnis wird gezeigt.</translation>
        </message>
        <message>
            <source>The scan's orientation looks implausible: {reason}.</source>
            <translation>Die Orientierung der Aufnahme wirkt unglaubwürdig: {reason}.</translation>
        </message>
        <message>
            <source>The slices of {name} belong to {count} different frames of reference, so their places do not fit together.</source>
            <translation>Die Schichten von {name} gehören zu {count} verschiedenen Bezugssystemen, ihre Lagen passen also nicht zusammen.</translation>
        </message>
        <message>
            <source>The slices of {name} differ in size or pixel spacing.</source>
            <translation>Die Schichten von {name} sind verschieden groß oder haben verschiedene Pixelabstände.</translation>
        </message>
        <message>
            <source>The slices of {name} do not form one volume: {reason}.</source>
            <translation>Die Schichten von {name} ergeben kein Volumen: {reason}.</translation>
        </message>
        <message>
            <source>The slices of {name} do not lie parallel to each other.</source>
            <translation>Die Schichten von {name} liegen nicht parallel zueinander.</translation>
        </message>
        <message>
            <source>The surface does not run through itself.</source>
            <translation>Die Oberfläche durchdringt sich nicht selbst.</translation>
        </message>
        <message>
            <source>The surface is closed.</source>
            <translation>Die Oberfläche ist geschlossen.</translation>
        </message>
        <message>
            <source>The surface is not manifold: {edges} edges with more than two triangles, {vertices} points where sheets meet.</source>
            <translation>Die Oberfläche ist nicht eindeutig: {edges} Kanten mit mehr als zwei Dreiecken, {vertices} Punkte, an denen sich Flächen treffen.</translation>
        </message>
        <message>
            <source>The surface is open at {edges} edges.</source>
            <translation>Die Oberfläche ist an {edges} Kanten offen.</translation>
        </message>
        <message>
            <source>The surface of {name} had defects; it was mended.</source>
            <translation>Die Oberfläche von {name} hatte Fehler; sie wurde repariert.</translation>
        </message>
        <message>
            <source>The surface of {name} is not closed, so no solid can be made of it.</source>
            <translation>Die Oberfläche von {name} ist nicht geschlossen, darum ergibt sie keinen Körper.</translation>
        </message>
        <message>
            <source>The surface runs through itself: more than {pairs} pairs of triangles.</source>
            <translation>Die Oberfläche durchdringt sich selbst: mehr als {pairs} Paare von Dreiecken.</translation>
        </message>
        <message>
            <source>The surface runs through itself: {pairs} pairs of triangles.</source>
            <translation>Die Oberfläche durchdringt sich selbst: {pairs} Paare von Dreiecken.</translation>
        </message>
        <message>
            <source>The thinnest wall is {wall_mm} mm, and {process} holds {limit_mm} mm.</source>
            <translation>Die dünnste Wand misst {wall_mm} mm; ab {limit_mm} mm hält sie ({process}).</translation>
        </message>
        <message>
            <source>The thinnest wall is {wall_mm} mm, less than the {limit_mm} mm that hold ({process}).</source>
            <translation>Die dünnste Wand misst {wall_mm} mm, weniger als die {limit_mm} mm, die halten ({process}).</translation>
        </message>
        <message>
            <source>The torch that is installed can use graphics cards by itself.</source>
            <translation>Das installierte torch kann Grafikkarten selbst benutzen.</translation>
        </message>
        <message>
            <source>The voxel axes are not at right angles (off by {degrees} degrees); the scan was resampled upright.</source>
            <translation>Die Voxelachsen stehen nicht rechtwinklig (Abweichung {degrees} Grad); die Aufnahme wurde aufrecht neu berechnet.</translation>
        </message>
        <message>
            <source>The window lacks a part: {part}.</source>
            <translation>Dem Fenster fehlt etwas: {part}.</translation>
        </message>
        <message>
            <source>There are no triangles.</source>
            <translation>Es gibt keine Dreiecke.</translation>
        </message>
        <message>
            <source>There is no room for the label {text} on the {face} side.</source>
            <translation>Für die Beschriftung {text} ist dort kein Platz ({face}).</translation>
        </message>
        <message>
            <source>There is no task named {name}.</source>
            <translation>Es gibt keine Aufgabe namens {name}.</translation>
        </message>
        <message>
            <source>There is nothing to fetch on a Mac: its own graphics are used as they are.</source>
            <translation>Auf einem Mac ist nichts zu holen: seine eigene Grafik wird benutzt, wie sie ist.</translation>
        </message>
        <message>
            <source>There is nothing to write: {reason}.</source>
            <translation>Es gibt nichts zu schreiben: {reason}.</translation>
        </message>
        <message>
            <source>They may be in use: wait until the run has ended, or close other windows of the program.</source>
            <translation>Vielleicht werden sie benutzt: warten Sie, bis die Berechnung beendet ist, oder schließen Sie andere Fenster des Programms.</translation>
        </message>
        <message>
            <source>Thicken what is thin, or print it larger.</source>
            <translation>Verdicken Sie, was dünn ist, oder drucken Sie es größer.</translation>
        </message>
        <message>
            <source>Thin structures near the gaps may be wrong.</source>
            <translation>Dünne Strukturen nahe den Lücken können falsch sein.</translation>
        </message>
        <message>
            <source>This cannot be printed: {reason}.</source>
            <translation>Das lässt sich nicht drucken: {reason}.</translation>
        </message>
        <message>
            <source>This installation has no torch.</source>
            <translation>Dieser Installation fehlt torch.</translation>
        </message>
        <message>
            <source>This is no guarantee that nobody can be recognised.</source>
            <translation>Das ist keine Gewähr, dass niemand erkannt werden kann.</translation>
        </message>
        <message>
            <source>This is not the form of a licence number.</source>
            <translation>Das hat nicht die Form einer Lizenznummer.</translation>
        </message>
        <message>
            <source>This looks like an {scan} scan, and {task} was made for {wanted}.</source>
            <translation>Das sieht nach {scan} aus, und {task} wurde für {wanted} gemacht.</translation>
        </message>
        <message>
            <source>This program runs networks of nnU-Net version 2; the current network has a zip named Dataset...</source>
            <translation>Dieses Programm rechnet mit Netzen von nnU-Net Version 2; das aktuelle Netz ist ein Zip namens Dataset...</translation>
        </message>
        <message>
            <source>This step could not be finished: {what} ({reason}).</source>
            <translation>Dieser Schritt ließ sich nicht beenden: {what} ({reason}).</translation>
        </message>
        <message>
            <source>This step did not end within {seconds} seconds: {what}.</source>
            <translation>Dieser Schritt endete nicht innerhalb von {seconds} Sekunden: {what}.</translation>
        </message>
        <message>
            <source>Try again later or on another network; what has arrived is kept.</source>
            <translation>Versuchen Sie es später oder in einem anderen Netzwerk erneut; was angekommen ist, bleibt.</translation>
        </message>
        <message>
            <source>Try again later, or download the zip on another computer and drop it on the window.</source>
            <translation>Versuchen Sie es später erneut, oder laden Sie das Zip auf einem anderen Computer und legen Sie es auf dem Fenster ab.</translation>
        </message>
        <message>
            <source>Try again later; what has arrived is kept.</source>
            <translation>Versuchen Sie es später erneut; was angekommen ist, bleibt.</translation>
        </message>
        <message>
            <source>Turn them round.</source>
            <translation>Drehen Sie sie um.</translation>
        </message>
        <message>
            <source>Unlock it and try again, or enter the number again.</source>
            <translation>Entsperren Sie ihn und versuchen Sie es erneut, oder geben Sie die Nummer noch einmal ein.</translation>
        </message>
        <message>
            <source>Unlock the password store, or check the data folder's permissions.</source>
            <translation>Entsperren Sie den Passwortspeicher, oder prüfen Sie die Rechte des Datenordners.</translation>
        </message>
        <message>
            <source>Unpack it and choose what is inside.</source>
            <translation>Entpacken Sie es und wählen Sie, was darin ist.</translation>
        </message>
        <message>
            <source>Unpack it with another program, then choose the folder.</source>
            <translation>Entpacken Sie es mit einem anderen Programm, dann wählen Sie den Ordner.</translation>
        </message>
        <message>
            <source>Unpack it yourself on a larger disk.</source>
            <translation>Entpacken Sie es selbst auf einen größeren Datenträger.</translation>
        </message>
        <message>
            <source>Unpack it, then choose the folder.</source>
            <translation>Entpacken Sie es, dann wählen Sie den Ordner.</translation>
        </message>
        <message>
            <source>Update the graphics driver, then check again.</source>
            <translation>Aktualisieren Sie den Grafiktreiber, dann prüfen Sie noch einmal.</translation>
        </message>
        <message>
            <source>Update the program, or make the bundle again with the older one.</source>
            <translation>Aktualisieren Sie das Programm, oder packen Sie das Paket mit dem älteren noch einmal.</translation>
        </message>
        <message>
            <source>Update the program.</source>
            <translation>Aktualisieren Sie das Programm.</translation>
        </message>
        <message>
            <source>Use a thinner reconstruction if there is one.</source>
            <translation>Nehmen Sie eine dünnere Rekonstruktion, wenn es eine gibt.</translation>
        </message>
        <message>
            <source>Use an address that begins with https://, or leave the variable out.</source>
            <translation>Verwenden Sie eine Adresse, die mit https:// beginnt, oder lassen Sie die Variable weg.</translation>
        </message>
        <message>
            <source>Use an archive from a source you trust.</source>
            <translation>Verwenden Sie ein Archiv aus einer Quelle, der Sie trauen.</translation>
        </message>
        <message>
            <source>Use another address.</source>
            <translation>Verwenden Sie eine andere Adresse.</translation>
        </message>
        <message>
            <source>Use another network or another download address; nothing was sent there.</source>
            <translation>Verwenden Sie ein anderes Netzwerk oder eine andere Download-Adresse; dorthin wurde nichts gesendet.</translation>
        </message>
        <message>
            <source>Use auto, cpu, gpu, gpu:N or mps.</source>
            <translation>Erlaubt sind auto, cpu, gpu, gpu:N oder mps.</translation>
        </message>
        <message>
            <source>Use networks of nnU-Net v2 from a source you trust.</source>
            <translation>Verwenden Sie Netze von nnU-Net v2 aus einer Quelle, der Sie trauen.</translation>
        </message>
        <message>
            <source>Use {allowed}.</source>
            <translation>Erlaubt: {allowed}.</translation>
        </message>
        <message>
            <source>Use {task} --fast.</source>
            <translation>Verwenden Sie {task} --fast.</translation>
        </message>
        <message>
            <source>Volume {index} was asked for, but {name} holds {count} (0 to {last}).</source>
            <translation>Volumen {index} war gewünscht, aber {name} enthält {count} (0 bis {last}).</translation>
        </message>
        <message>
            <source>What does not stand on the plate by itself is held by {count} columns, up to {diameter_mm} mm wide.</source>
            <translation>Was nicht von selbst auf der Platte steht, ist abgestützt (Säulen: {count}, bis {diameter_mm} mm dick).</translation>
        </message>
        <message>
            <source>What is wrong with each is said above.</source>
            <translation>Was bei jedem nicht stimmt, steht oben.</translation>
        </message>
        <message>
            <source>With such a card, install NVIDIA's driver first. Everything works on the processor as well.</source>
            <translation>Mit einer solchen Karte installieren Sie zuerst den Treiber von NVIDIA. Auf dem Prozessor geht alles ebenso.</translation>
        </message>
        <message>
            <source>Without the setting Keep results (or with --no-cache) it is computed again.</source>
            <translation>Ohne die Einstellung „Ergebnisse aufheben“ (oder mit --no-cache) wird neu berechnet.</translation>
        </message>
        <message>
            <source>Words about the scanner and how the scan was made were kept where the profile keeps them.</source>
            <translation>Angaben zum Scanner und zur Art der Aufnahme wurden behalten, wo das Profil sie behält.</translation>
        </message>
        <message>
            <source>Write NIfTI or NRRD instead, or open the DICOM series.</source>
            <translation>Schreiben Sie NIfTI oder NRRD, oder öffnen Sie die DICOM-Serie.</translation>
        </message>
        <message>
            <source>Write NIfTI or NRRD instead.</source>
            <translation>Schreiben Sie stattdessen NIfTI oder NRRD.</translation>
        </message>
        <message>
            <source>Write a text, or leave the label out.</source>
            <translation>Schreiben Sie einen Text, oder lassen Sie die Beschriftung weg.</translation>
        </message>
        <message>
            <source>Write it again, on another disk if it happens again.</source>
            <translation>Schreiben Sie noch einmal, im Wiederholungsfall auf einen anderen Datenträger.</translation>
        </message>
        <message>
            <source>Write it as http://host:port in Preferences, Proxy, or leave that empty.</source>
            <translation>Schreiben Sie ihn als http://host:port unter Einstellungen, Proxy, oder lassen Sie das leer.</translation>
        </message>
        <message>
            <source>Write one file per structure, or choose 3MF, which keeps parts.</source>
            <translation>Schreiben Sie eine Datei je Struktur, oder wählen Sie 3MF, das Teile behält.</translation>
        </message>
        <message>
            <source>Write one file per structure.</source>
            <translation>Schreiben Sie eine Datei je Struktur.</translation>
        </message>
        <message>
            <source>Write or copy it again.</source>
            <translation>Schreiben oder kopieren Sie es noch einmal.</translation>
        </message>
        <message>
            <source>Write the label without them.</source>
            <translation>Schreiben Sie die Beschriftung ohne sie.</translation>
        </message>
        <message>
            <source>Write the segmentation first, or the report without it.</source>
            <translation>Schreiben Sie zuerst die Segmentierung, oder den Befund ohne sie.</translation>
        </message>
        <message>
            <source>Your network may inspect its traffic: ask your IT for its certificate file and choose it in Preferences, Certificates.</source>
            <translation>Vielleicht prüft Ihr Netzwerk den Datenverkehr: fragen Sie Ihre IT nach der Zertifikatsdatei und wählen Sie sie unter Einstellungen, Zertifikate.</translation>
        </message>
        <message>
            <source>Your scan and earlier results are kept. Try again, or run on the CPU.</source>
            <translation>Ihre Aufnahme und frühere Ergebnisse bleiben erhalten. Versuchen Sie es erneut, oder rechnen Sie auf der CPU.</translation>
        </message>
        <message>
            <source>`tsdesktop print --help` says what can be asked for.</source>
            <translation>`tsdesktop print --help` zeigt, was möglich ist.</translation>
        </message>
        <message>
            <source>`tsdesktop weights list` shows what is here.</source>
            <translation>`tsdesktop weights list` zeigt, was hier ist.</translation>
        </message>
        <message>
            <source>`tsdesktop weights verify --repair` downloads them again.</source>
            <translation>`tsdesktop weights verify --repair` lädt sie noch einmal herunter.</translation>
        </message>
        <message>
            <source>{address} is not an address to download from.</source>
            <translation>{address} ist keine Adresse zum Herunterladen.</translation>
        </message>
        <message>
            <source>{address} is not an address to fetch libraries from.</source>
            <translation>{address} ist keine Adresse, von der sich Bibliotheken holen lassen.</translation>
        </message>
        <message>
            <source>{asked} was asked for; {used} is used: {reason}.</source>
            <translation>{asked} war gewünscht; benutzt wird {used}: {reason}.</translation>
        </message>
        <message>
            <source>{card} (compute capability {capability}) is too old: no build of torch has code for it.</source>
            <translation>{card} (Compute Capability {capability}) ist zu alt: kein torch ist dafür gebaut.</translation>
        </message>
        <message>
            <source>{card} did not compute {network} as the processor does ({reason}), so the processor is used for it.</source>
            <translation>{card} hat {network} anders berechnet als der Prozessor ({reason}), darum wird dafür der Prozessor benutzt.</translation>
        </message>
        <message>
            <source>{card} is not used: {reason}.</source>
            <translation>{card} wird nicht benutzt: {reason}.</translation>
        </message>
        <message>
            <source>{count} cavities of {name} have no way out.</source>
            <translation>{count} Hohlräume von {name} haben keinen Ausgang.</translation>
        </message>
        <message>
            <source>{count} labels of the file have no name; they were named label_N.</source>
            <translation>{count} Labels der Datei haben keinen Namen; sie heißen nun label_N.</translation>
        </message>
        <message>
            <source>{count} of {all} cavities of {name} could get no drain hole and stay solid.</source>
            <translation>{count} von {all} Hohlräumen von {name} konnten kein Ablaufloch bekommen und bleiben voll.</translation>
        </message>
        <message>
            <source>{count} pieces stay apart: the gaps are longer than {longest_mm} mm.</source>
            <translation>{count} Stücke bleiben getrennt: die Lücken sind länger als {longest_mm} mm.</translation>
        </message>
        <message>
            <source>{count} series were found; {name} was opened.</source>
            <translation>{count} Serien wurden gefunden; geöffnet wurde {name}.</translation>
        </message>
        <message>
            <source>{count} voxels held no valid number and were set to {value}.</source>
            <translation>{count} Voxel enthielten keine gültige Zahl und wurden auf {value} gesetzt.</translation>
        </message>
        <message>
            <source>{degenerate} triangles have two corners at one place, and {double} are there twice.</source>
            <translation>{degenerate} Dreiecke haben zwei Ecken an derselben Stelle, und {double} kommen doppelt vor.</translation>
        </message>
        <message>
            <source>{folder} is handed out for a licence number only, and none is stored.</source>
            <translation>{folder} gibt es nur mit einer Lizenznummer, und keine ist gespeichert.</translation>
        </message>
        <message>
            <source>{folder} is in its place already.</source>
            <translation>{folder} ist schon an seinem Ort.</translation>
        </message>
        <message>
            <source>{host} answered with something that was not asked for.</source>
            <translation>{host} hat etwas geantwortet, das nicht gefragt war.</translation>
        </message>
        <message>
            <source>{host} cannot be reached.</source>
            <translation>{host} ist nicht erreichbar.</translation>
        </message>
        <message>
            <source>{host} does not answer in time.</source>
            <translation>{host} antwortet nicht rechtzeitig.</translation>
        </message>
        <message>
            <source>{host} does not hand out {name} (answer {code}).</source>
            <translation>{host} gibt {name} nicht heraus (Antwort {code}).</translation>
        </message>
        <message>
            <source>{host} does not have {name} (answer {code}).</source>
            <translation>{host} hat {name} nicht (Antwort {code}).</translation>
        </message>
        <message>
            <source>{host} has a fault (answer {code}).</source>
            <translation>{host} hat eine Störung (Antwort {code}).</translation>
        </message>
        <message>
            <source>{host} is too busy (answer {code}).</source>
            <translation>{host} ist überlastet (Antwort {code}).</translation>
        </message>
        <message>
            <source>{host} leads to an address without encryption.</source>
            <translation>{host} führt zu einer Adresse ohne Verschlüsselung.</translation>
        </message>
        <message>
            <source>{host} sends too slowly.</source>
            <translation>{host} sendet zu langsam.</translation>
        </message>
        <message>
            <source>{index} answered with something that is no list of packages.</source>
            <translation>{index} hat etwas geantwortet, das keine Liste von Paketen ist.</translation>
        </message>
        <message>
            <source>{index} does not tell what {name} needs.</source>
            <translation>{index} sagt nicht, was {name} braucht.</translation>
        </message>
        <message>
            <source>{index} has no torch {version} for this system and graphics card.</source>
            <translation>{index} hat kein torch {version} für dieses System und diese Grafikkarte.</translation>
        </message>
        <message>
            <source>{index} has no {requirement} for this system, which torch needs.</source>
            <translation>{index} hat für dieses System kein {requirement}, das torch braucht.</translation>
        </message>
        <message>
            <source>{index} states no SHA-256 for {name}, so it is not fetched.</source>
            <translation>{index} nennt für {name} keine SHA-256-Prüfsumme, darum wird es nicht geholt.</translation>
        </message>
        <message>
            <source>{names} would not print: {reason}, and mending did not help. Nothing was written.</source>
            <translation>{names}: so nicht druckbar, {reason}, und Reparieren half nicht. Nichts wurde geschrieben.</translation>
        </message>
        <message>
            <source>{name} among the files of the program is not what was packed.</source>
            <translation>{name} unter den Dateien des Programms ist nicht, was gepackt wurde.</translation>
        </message>
        <message>
            <source>{name} arrived damaged {count} times.</source>
            <translation>{name} kam {count}-mal beschädigt an.</translation>
        </message>
        <message>
            <source>{name} cannot be followed: {reason}.</source>
            <translation>{name} lässt sich nicht ausführen: {reason}.</translation>
        </message>
        <message>
            <source>{name} cannot be loaded: the system has no {file}.</source>
            <translation>{name} lässt sich nicht laden: im System fehlt {file}.</translation>
        </message>
        <message>
            <source>{name} cannot be read: {reason}.</source>
            <translation>{name} lässt sich nicht lesen: {reason}.</translation>
        </message>
        <message>
            <source>{name} cannot be written as DICOM again: {reason}.</source>
            <translation>{name} lässt sich nicht wieder als DICOM schreiben: {reason}.</translation>
        </message>
        <message>
            <source>{name} could not be put in its place: {reason}.</source>
            <translation>{name} konnte nicht an seinen Ort gebracht werden: {reason}.</translation>
        </message>
        <message>
            <source>{name} could not be read as a mesh: {reason}.</source>
            <translation>{name} ließ sich nicht als Oberfläche lesen: {reason}.</translation>
        </message>
        <message>
            <source>{name} could not be read: {reason}.</source>
            <translation>{name} konnte nicht gelesen werden: {reason}.</translation>
        </message>
        <message>
            <source>{name} could not be written: {reason}.</source>
            <translation>{name} konnte nicht geschrieben werden: {reason}.</translation>
        </message>
        <message>
            <source>{name} does not exist.</source>
            <translation>{name} gibt es nicht.</translation>
        </message>
        <message>
            <source>{name} does not say where its slices lie.</source>
            <translation>{name} sagt nicht, wo seine Schichten liegen.</translation>
        </message>
        <message>
            <source>{name} does not say where its voxels lie in space.</source>
            <translation>{name} sagt nicht, wo seine Voxel im Raum liegen.</translation>
        </message>
        <message>
            <source>{name} ends too early: part of it is missing.</source>
            <translation>{name} endet zu früh: ein Teil fehlt.</translation>
        </message>
        <message>
            <source>{name} ends too early: part of the image is missing.</source>
            <translation>{name} endet zu früh: ein Teil des Bildes fehlt.</translation>
        </message>
        <message>
            <source>{name} exists already.</source>
            <translation>{name} gibt es schon.</translation>
        </message>
        <message>
            <source>{name} got {count} of {wanted} drain holes: no more fit.</source>
            <translation>{name} hat {count} von {wanted} Ablauflöchern bekommen: mehr passen nicht.</translation>
        </message>
        <message>
            <source>{name} got {count} of {wanted} pins: no more fit inside the cut.</source>
            <translation>{name} hat {count} von {wanted} Zapfen bekommen: mehr passen nicht in den Schnitt.</translation>
        </message>
        <message>
            <source>{name} has a lookup table for its intensities, through which a face cannot be taken out.</source>
            <translation>{name} hat eine Wertetabelle für die Intensitäten; damit lässt sich kein Gesicht entfernen.</translation>
        </message>
        <message>
            <source>{name} has a step that is not known: {step}.</source>
            <translation>{name} hat einen unbekannten Schritt: {step}.</translation>
        </message>
        <message>
            <source>{name} has defects that cannot be mended.</source>
            <translation>{name} hat Fehler, die sich nicht reparieren lassen.</translation>
        </message>
        <message>
            <source>{name} has only {shape} voxels.</source>
            <translation>{name} hat nur {shape} Voxel.</translation>
        </message>
        <message>
            <source>{name} has too few slices ({count}); at least {least} are needed.</source>
            <translation>{name} hat zu wenige Schichten ({count}); mindestens {least} werden gebraucht.</translation>
        </message>
        <message>
            <source>{name} has {count} dimensions; a scan has three, or four with time.</source>
            <translation>{name} hat {count} Dimensionen; eine Aufnahme hat drei, mit der Zeit vier.</translation>
        </message>
        <message>
            <source>{name} holds a network of nnU-Net version 1.</source>
            <translation>{name} enthält ein Netz von nnU-Net Version 1.</translation>
        </message>
        <message>
            <source>{name} holds a scan, not a network.</source>
            <translation>{name} enthält eine Aufnahme, kein Netz.</translation>
        </message>
        <message>
            <source>{name} holds complex numbers.</source>
            <translation>{name} enthält komplexe Zahlen.</translation>
        </message>
        <message>
            <source>{name} holds models that guess weight, size, age and sex, which this program does not use.</source>
            <translation>{name} enthält Modelle, die Gewicht, Größe, Alter und Geschlecht schätzen; dieses Programm benutzt sie nicht.</translation>
        </message>
        <message>
            <source>{name} holds no CT or MR scan.</source>
            <translation>{name} enthält keine CT- oder MR-Aufnahme.</translation>
        </message>
        <message>
            <source>{name} holds no closed contours.</source>
            <translation>{name} enthält keine geschlossenen Konturen.</translation>
        </message>
        <message>
            <source>{name} holds no files.</source>
            <translation>{name} enthält keine Dateien.</translation>
        </message>
        <message>
            <source>{name} holds no image.</source>
            <translation>{name} enthält kein Bild.</translation>
        </message>
        <message>
            <source>{name} holds no label maps.</source>
            <translation>{name} enthält keine Segmentierungen.</translation>
        </message>
        <message>
            <source>{name} holds no labels: {reason}.</source>
            <translation>{name} enthält keine Segmentierung: {reason}.</translation>
        </message>
        <message>
            <source>{name} holds no network.</source>
            <translation>{name} enthält kein Netz.</translation>
        </message>
        <message>
            <source>{name} holds no valid number at all.</source>
            <translation>{name} enthält keine einzige gültige Zahl.</translation>
        </message>
        <message>
            <source>{name} holds only another archive: {inner}.</source>
            <translation>{name} enthält nur ein weiteres Archiv: {inner}.</translation>
        </message>
        <message>
            <source>{name} holds probabilities of structures that lie in each other: a voxel has no single label.</source>
            <translation>{name} enthält Wahrscheinlichkeiten von Strukturen, die ineinander liegen: ein Voxel hat kein einzelnes Label.</translation>
        </message>
        <message>
            <source>{name} holds the source code of a program, not a network.</source>
            <translation>{name} enthält den Quelltext eines Programms, kein Netz.</translation>
        </message>
        <message>
            <source>{name} holds {count} series and {wanted} is not one of them.</source>
            <translation>{name} enthält {count} Serien, und {wanted} ist keine davon.</translation>
        </message>
        <message>
            <source>{name} holds {count} structures, more than can be shown.</source>
            <translation>{name} enthält {count} Strukturen, mehr als gezeigt werden können.</translation>
        </message>
        <message>
            <source>{name} holds {found}, not {folder}.</source>
            <translation>{name} enthält {found}, nicht {folder}.</translation>
        </message>
        <message>
            <source>{name} holds {frames} pictures in one file, of which {used} are open, so the others would keep the face.</source>
            <translation>{name} enthält {frames} Bilder in einer Datei, offen sind {used}; in den anderen bliebe das Gesicht.</translation>
        </message>
        <message>
            <source>{name} is a colour picture, not a scan.</source>
            <translation>{name} ist ein Farbbild, keine Aufnahme.</translation>
        </message>
        <message>
            <source>{name} is a damaged bundle of networks: {reason}.</source>
            <translation>{name} ist ein beschädigtes Paket von Netzen: {reason}.</translation>
        </message>
        <message>
            <source>{name} is a damaged or protected zip archive.</source>
            <translation>{name} ist ein beschädigtes oder geschütztes Zip-Archiv.</translation>
        </message>
        <message>
            <source>{name} is a flat picture of {shape} pixels.</source>
            <translation>{name} ist ein einzelnes Bild mit {shape} Pixeln.</translation>
        </message>
        <message>
            <source>{name} is a structure set: contours on the slices of a scan, without a grid to print from.</source>
            <translation>{name} ist ein Struktursatz: Konturen auf den Schichten einer Aufnahme, ohne Gitter, nach dem sich drucken ließe.</translation>
        </message>
        <message>
            <source>{name} is a version of the task {task}.</source>
            <translation>{name} ist eine Version der Aufgabe {task}.</translation>
        </message>
        <message>
            <source>{name} is a web page, not a network.</source>
            <translation>{name} ist eine Webseite, kein Netz.</translation>
        </message>
        <message>
            <source>{name} is a {what}, not a scan.</source>
            <translation>{name} ist keine Aufnahme ({what}).</translation>
        </message>
        <message>
            <source>{name} is a {what}: open the scan it was made from first, then this.</source>
            <translation>{name} ({what}): öffnen Sie zuerst die Aufnahme, aus der die Datei entstand, dann diese.</translation>
        </message>
        <message>
            <source>{name} is compressed in a way that cannot be decoded here ({syntax}).</source>
            <translation>{name} ist so komprimiert, dass es hier nicht gelesen werden kann ({syntax}).</translation>
        </message>
        <message>
            <source>{name} is compressed in a way that cannot be unpacked here.</source>
            <translation>{name} ist so komprimiert, dass es hier nicht entpackt werden kann.</translation>
        </message>
        <message>
            <source>{name} is damaged: {member} cannot be unpacked.</source>
            <translation>{name} ist beschädigt: {member} lässt sich nicht entpacken.</translation>
        </message>
        <message>
            <source>{name} is empty.</source>
            <translation>{name} ist leer.</translation>
        </message>
        <message>
            <source>{name} is missing among the files of the program.</source>
            <translation>{name} fehlt unter den Dateien des Programms.</translation>
        </message>
        <message>
            <source>{name} is no DICOM segmentation of the same study, so the report cannot refer to it.</source>
            <translation>{name} ist keine DICOM-Segmentierung derselben Studie, darum kann sich der Befund nicht darauf beziehen.</translation>
        </message>
        <message>
            <source>{name} is not a device.</source>
            <translation>{name} ist kein Gerät.</translation>
        </message>
        <message>
            <source>{name} is not a recipe for printing.</source>
            <translation>{name} ist kein Rezept zum Drucken.</translation>
        </message>
        <message>
            <source>{name} is not a recipe: it is no JSON text ({reason}).</source>
            <translation>{name} ist kein Rezept: es ist kein JSON-Text ({reason}).</translation>
        </message>
        <message>
            <source>{name} is not a scan this program can read.</source>
            <translation>{name} ist keine Aufnahme, die dieses Programm lesen kann.</translation>
        </message>
        <message>
            <source>{name} is not a zip archive.</source>
            <translation>{name} ist kein Zip-Archiv.</translation>
        </message>
        <message>
            <source>{name} is not in this scan and was left out.</source>
            <translation>{name} kommt in dieser Aufnahme nicht vor und wurde weggelassen.</translation>
        </message>
        <message>
            <source>{name} is not what its own list of files says: {member}.</source>
            <translation>{name} ist nicht, was die eigene Dateiliste sagt: {member}.</translation>
        </message>
        <message>
            <source>{name} is not what was to be written: {reason}. It was removed.</source>
            <translation>{name} ist nicht, was geschrieben werden sollte: {reason}. Die Datei wurde entfernt.</translation>
        </message>
        <message>
            <source>{name} is protected with a password.</source>
            <translation>{name} ist mit einem Passwort geschützt.</translation>
        </message>
        <message>
            <source>{name} is refused: it holds {count} files, far more than networks have.</source>
            <translation>{name} wird abgelehnt: es enthält {count} Dateien, viel mehr als Netze haben.</translation>
        </message>
        <message>
            <source>{name} is refused: it would unpack to {times} times its size.</source>
            <translation>{name} wird abgelehnt: entpackt wäre es {times}-mal so groß.</translation>
        </message>
        <message>
            <source>{name} is refused: it would write {member} outside of its folder.</source>
            <translation>{name} wird abgelehnt: es würde {member} außerhalb seines Ordners schreiben.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} and {other} would be one file on many computers.</source>
            <translation>{name} wird abgelehnt: {member} und {other} wären auf vielen Computern dieselbe Datei.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} has a backslash in its name.</source>
            <translation>{name} wird abgelehnt: {member} hat einen umgekehrten Schrägstrich im Namen.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} is a file and a folder in it.</source>
            <translation>{name} wird abgelehnt: {member} ist darin Datei und Ordner zugleich.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} is a link, not a file.</source>
            <translation>{name} wird abgelehnt: {member} ist ein Verweis, keine Datei.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} is a name that not every computer can hold.</source>
            <translation>{name} wird abgelehnt: {member} ist ein Name, den nicht jeder Computer zulässt.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} is in it twice.</source>
            <translation>{name} wird abgelehnt: {member} ist zweimal darin.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} names a drive.</source>
            <translation>{name} wird abgelehnt: {member} nennt ein Laufwerk.</translation>
        </message>
        <message>
            <source>{name} is refused: {member} names a fixed place on the disk.</source>
            <translation>{name} wird abgelehnt: {member} nennt einen festen Ort auf dem Datenträger.</translation>
        </message>
        <message>
            <source>{name} is too thin for a cavity with walls of {wall_mm} mm and stays solid.</source>
            <translation>{name} ist zu dünn für einen Hohlraum mit {wall_mm} mm Wand und bleibt voll.</translation>
        </message>
        <message>
            <source>{name} lies elsewhere in space: it shares no part with the open scan.</source>
            <translation>{name} liegt anderswo im Raum: es hat keinen gemeinsamen Teil mit der offenen Aufnahme.</translation>
        </message>
        <message>
            <source>{name} may not be read: {reason}.</source>
            <translation>{name} darf nicht gelesen werden: {reason}.</translation>
        </message>
        <message>
            <source>{name} must end in {endings}.</source>
            <translation>{name} muss auf {endings} enden.</translation>
        </message>
        <message>
            <source>{name} need {needed_gb} GB, and {free_gb} GB are free.</source>
            <translation>{name} brauchen {needed_gb} GB, frei sind {free_gb} GB.</translation>
        </message>
        <message>
            <source>{name} needs {needed_gb} GB, and {free_gb} GB are free.</source>
            <translation>{name} braucht {needed_gb} GB, frei sind {free_gb} GB.</translation>
        </message>
        <message>
            <source>{name} needs {requirement}, which is not in the set.</source>
            <translation>{name} braucht {requirement}, das nicht dabei ist.</translation>
        </message>
        <message>
            <source>{name} says that the patient is named in the picture itself, so it was not shared.</source>
            <translation>Laut {name} steht der Name des Patienten im Bild selbst, darum wurde nichts weitergegeben.</translation>
        </message>
        <message>
            <source>{name} still runs through itself after all attempts: {pairs} pairs of triangles.</source>
            <translation>{name} durchdringt sich nach allen Versuchen noch selbst: {pairs} Paare von Dreiecken.</translation>
        </message>
        <message>
            <source>{name} was made by a newer version of this program.</source>
            <translation>{name} stammt von einer neueren Version dieses Programms.</translation>
        </message>
        <message>
            <source>{name} was not read from DICOM files, so it cannot be shared as DICOM.</source>
            <translation>{name} stammt nicht aus DICOM-Dateien, darum lässt es sich nicht als DICOM weitergeben.</translation>
        </message>
        <message>
            <source>{name} was not read from DICOM files, so there is no series that a {what} could refer to.</source>
            <translation>{name} stammt nicht aus DICOM-Dateien, darum gibt es keine Serie, auf die verwiesen werden könnte ({what}).</translation>
        </message>
        <message>
            <source>{name} was not written: the labels lie elsewhere in space than the slices of the scan.</source>
            <translation>{name} wurde nicht geschrieben: die Segmentierung liegt anderswo im Raum als die Schichten der Aufnahme.</translation>
        </message>
        <message>
            <source>{name} was saved by a newer version of this program.</source>
            <translation>{name} wurde von einer neueren Version dieses Programms gespeichert.</translation>
        </message>
        <message>
            <source>{name} would be larger than a DICOM file may be (4 GB).</source>
            <translation>{name} würde größer, als eine DICOM-Datei sein darf (4 GB).</translation>
        </message>
        <message>
            <source>{name} would unpack to {size_gb} GB, more than this disk can hold.</source>
            <translation>{name} würde entpackt {size_gb} GB groß, mehr als auf diesen Datenträger passt.</translation>
        </message>
        <message>
            <source>{network} was not computed in half precision: {reason}.</source>
            <translation>{network} wurde nicht mit halber Genauigkeit berechnet: {reason}.</translation>
        </message>
        <message>
            <source>{option} and {other} cannot be used together.</source>
            <translation>{option} und {other} passen nicht zusammen.</translation>
        </message>
        <message>
            <source>{option} needs {other}.</source>
            <translation>{option} braucht {other}.</translation>
        </message>
        <message>
            <source>{task} always computes all its structures.</source>
            <translation>{task} berechnet immer alle Strukturen.</translation>
        </message>
        <message>
            <source>{task} has no structure named {name}.</source>
            <translation>{task} hat keine Struktur namens {name}.</translation>
        </message>
        <message>
            <source>{task} has no {variant} version.</source>
            <translation>{task} gibt es nicht in der Version {variant}.</translation>
        </message>
        <message>
            <source>{title} is for non-commercial use only ({terms}), which has not been confirmed yet.</source>
            <translation>{title} ist nur für nicht kommerzielle Nutzung ({terms}), was noch nicht bestätigt wurde.</translation>
        </message>
        <message>
            <source>{triangles} triangles, about {size_mb} MB as STL.</source>
            <translation>{triangles} Dreiecke, etwa {size_mb} MB als STL.</translation>
        </message>
        <message>
            <source>{triangles} triangles, about {size_mb} MB as STL: many programs become slow.</source>
            <translation>{triangles} Dreiecke, etwa {size_mb} MB als STL: viele Programme werden damit langsam.</translation>
        </message>
        <message>
            <source>{value} cannot stand for a patient: it needs 1 to 64 letters, digits, - or _.</source>
            <translation>{value} kann nicht für einen Patienten stehen: nötig sind 1 bis 64 Buchstaben, Ziffern, - oder _.</translation>
        </message>
        <message>
            <source>{value} is not a value of {option}.</source>
            <translation>{value} ist kein Wert von {option}.</translation>
        </message>
        <message>
            <source>{volume_ml} ml, {grams} g of {material} when it is printed solid.</source>
            <translation>{volume_ml} ml, voll gedruckt {grams} g {material}.</translation>
        </message>
    </context>
</TS>
