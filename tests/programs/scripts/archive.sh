# Archives and compression: what was packed comes back.
mkdir -p in/deep
seq 1 5000 > in/numbers
echo small > in/deep/small
ln -s deep/small in/link
tar -cf a.tar in
tar -tf a.tar | sort
mkdir out
tar -xf a.tar -C out
diff -r in out/in && echo "tar: the same"
tar -czf a.tgz in && tar -tzf a.tgz | wc -l
gzip -c in/numbers > n.gz
gunzip -c n.gz | cmp - in/numbers && echo "gzip: the same"
bzip2 -c in/numbers | bunzip2 -c | cmp - in/numbers && echo "bzip2: the same"
(cd in && find . | sort | cpio -o -H newc 2>/dev/null) > a.cpio
cpio -t < a.cpio 2>/dev/null | sort
